"""Where an image comes from: an upload, an example of this project, or the archives."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from astropy.utils.data import clear_download_cache, download_file

from galexplorer.errors import DataError, InputError
from galexplorer.records.observation import Observation
from galexplorer.resources import bundled
from galexplorer.sky.fetched import Fetched
from galexplorer.ui.session.request import Options, Request, content_hash

EXAMPLES_DIR = bundled("assets/examples")

NGC6978_URL = "http://data.astropy.org/visualization/reprojected_sdss_{band}.fits.bz2"
"""Astropy's public tutorial data: the SDSS field around NGC 6976, one file per band."""

NGC6978 = "ngc6978"
"""What a link calls it."""

NGC6978_POSITION = (313.1478, -5.7111)
_BZIP2_MAGIC = b"BZh"
TIMEOUT_S = 8


@dataclass(frozen=True)
class Source:
    """An image to infer from.

    Attributes
    ----------
    kind : {"upload", "example", "archive", "target", "library"}
    name : str
    files : tuple of (str, bytes)
        Names and contents; empty for a galaxy that was fetched.
    origin : str
        A sentence on where the image comes from.
    position : tuple of float or None
        RA and Dec of the target in the field, degrees.
    truth : dict of str to float
        Known values by target; empty where unknown.
    fetched : Fetched or None
        A galaxy that was looked up, with its pixels and catalogue values.
    stored : Observation or None
        A galaxy of the library, without pixels.
    """

    kind: str
    name: str
    files: tuple[tuple[str, bytes], ...]
    origin: str
    position: tuple[float, float] | None = None
    truth: dict[str, float] = field(default_factory=dict)
    fetched: Fetched | None = None
    stored: Observation | None = None

    @property
    def reference(self) -> tuple[str, str]:
        """Return what a link says to find the source again: a parameter and its value."""
        if self.fetched is not None:
            return "target", self.fetched.reading.text
        if self.kind == "library":
            return "library", self.name
        if self.kind == "example":
            return "example", self.files[0][0].split(".")[0]
        if self.kind == "archive":
            return "example", NGC6978
        return "upload", self.digest[:16]

    @cached_property
    def digest(self) -> str:
        """Return a hash of names and contents."""
        return content_hash(self.files, self.fetched)

    def request(self, options: Options) -> Request:
        """Return the request for what it shows, with some options."""
        return Request(self.files, options, self.fetched, self.stored, self.digest)


@dataclass(frozen=True)
class Example:
    """A galaxy rendered by this project, with known values.

    Attributes
    ----------
    path : pathlib.Path
        FITS file.
    name, description : str
    truth : dict of str to float
    """

    path: Path
    name: str
    description: str
    truth: dict[str, float]

    @property
    def reference(self) -> str:
        """Return what a link calls it."""
        return self.path.name.split(".")[0]

    def load(self) -> Source:
        """Return the example as a source."""
        return Source(
            kind="example",
            name=self.name,
            files=((self.path.name, self.path.read_bytes()),),
            origin=f"{self.description} Simulated by this project, not a real galaxy.",
            truth=self.truth,
        )


def list_examples(folder: Path = EXAMPLES_DIR) -> tuple[Example, ...]:
    """Return the rendered examples.

    Parameters
    ----------
    folder : Path
        Holds ``examples.json`` and the FITS files that it names.

    Returns
    -------
    tuple of Example
        Empty where there is no list.

    Raises
    ------
    DataError
        If the list is damaged, or a file that it names is missing.
    """
    listing = folder / "examples.json"
    if not listing.is_file():
        return ()
    try:
        examples = tuple(
            Example(
                path=folder / entry["file"],
                name=entry["name"],
                description=entry.get("description", ""),
                truth={name: float(value) for name, value in entry.get("truth", {}).items()},
            )
            for entry in json.loads(listing.read_text(encoding="utf-8"))
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            "assets/examples/examples.json is damaged: restore it from the repository."
        ) from error
    for example in examples:
        if not example.path.is_file():
            raise DataError(f"The example {example.path.name} is missing: restore assets/examples.")
    return examples


def fetch_ngc6978(timeout_s: float = TIMEOUT_S) -> Source:
    """Fetch the SDSS field of NGC 6978 from astropy's public tutorial data.

    Parameters
    ----------
    timeout_s : float
        For each of the three files, which astropy keeps in its cache.

    Returns
    -------
    Source

    Raises
    ------
    InputError
        If the server cannot be reached, or answers with something else.
    """
    files = []
    for band in "gri":
        url = NGC6978_URL.format(band=band)
        try:
            path = download_file(url, cache=True, timeout=timeout_s, show_progress=False)
        except OSError as error:  # URLError and timeouts are among them
            raise InputError(
                "NGC 6978 could not be fetched from data.astropy.org: check the network and "
                "click again, or choose an example, which needs none."
            ) from error
        content = Path(path).read_bytes()
        if not content.startswith(_BZIP2_MAGIC):
            clear_download_cache(url)  # a page of a portal, say, must not stay in the cache
            raise InputError(
                "data.astropy.org returned something other than an image: check the network "
                "(does it ask for a login?) and click again."
            )
        files.append((f"ngc6976-{band}.fits.bz2", content))
    return Source(
        kind="archive",
        name="NGC 6978",
        files=tuple(files),
        origin="NGC 6978, a real SDSS field from astropy's public tutorial data.",
        position=NGC6978_POSITION,
        truth={"redshift": 0.0197},
    )


def source_of_target(fetched: Fetched) -> Source:
    """Return a galaxy that was looked up as a source.

    Parameters
    ----------
    fetched : Fetched

    Returns
    -------
    Source
    """
    return Source(
        kind="target",
        name=fetched.reading.text,
        files=(),
        origin=f"{fetched.reading.text}, {fetched.reading.echo}. "
        f"Pixels: {fetched.origins.get('pixels', fetched.source)}.",
        fetched=fetched,
    )


def source_of_library(name: str, stored: Observation) -> Source:
    """Return a galaxy of the library as a source.

    Parameters
    ----------
    name : str
    stored : Observation
        As `galexplorer.inference.neighbours.Library.observe` gives it.

    Returns
    -------
    Source
    """
    return Source(
        kind="library",
        name=name,
        files=(),
        origin=f"{name}, a real galaxy of the library, from its stored latents; no pixels.",
        stored=stored,
    )
