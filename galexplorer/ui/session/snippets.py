"""The command line and the Python that give the numbers of a result; no Streamlit here."""

import shlex
from collections.abc import Mapping
from pprint import pformat

from galexplorer.inference.input_selection import INPUTS
from galexplorer.ui.session.request import IMAGE_SETTINGS, Options
from galexplorer.ui.session.sources import NGC6978_URL, Source

_BUNDLED = 'bundled("assets/examples/{}")'
_PARAMETERS = {
    "pixel_scale_arcsec": "pixel_scale",
    "flux_pixel_scale_arcsec": "flux_pixel_scale",
    "zero_point": "zero_point",
    "exposure_s": "exposure",
    "ebv": "ebv",
}
"""Options of an image as the API calls them; the command line writes a dash for an underscore."""


def python_code(source: Source | None, options: Options) -> str:
    """Return a script that prints the posterior's summary.

    Parameters
    ----------
    source : Source or None
        None for magnitudes alone.
    options : Options

    Returns
    -------
    str
        It ends with the result in ``result``. Uploaded files are named as they were dropped, so
        it runs in the folder that holds them.
    """
    lines = ["import galexplorer as gx"]
    given = _arguments(source, options)
    before, target = _python_target(source, options)
    call = "gx.infer"
    if source is not None and source.stored is not None:
        call = "engine.infer"
    elif source is not None and source.kind == "example":
        lines.append("from galexplorer.resources import bundled")
    elif source is not None and source.kind == "archive":
        lines.insert(0, "from pathlib import Path\n\nfrom astropy.utils.data import download_file")
    arguments = [*([target] if target else []), *(f"{k}={_spell(v)}" for k, v in given.items())]
    body = "".join(f"    {argument},\n" for argument in arguments)
    lines += ["", *before, f"result = {call}(\n{body})", "print(result.summary)", ""]
    return "\n".join(lines)


def _python_target(source: Source | None, options: Options) -> tuple[list[str], str]:
    """Return the lines that go before, and what is inferred."""
    if source is None:
        return [], ""
    if source.stored is not None:
        found = f"engine.library.find_row({source.name!r})"
        return ["engine = gx.load()", f"stored = engine.library.observe({found})"], "stored"
    if source.fetched is not None:
        text = source.fetched.reading.text
        # a place of the user's own belongs to an image, which is fetched first
        return [], f"gx.fetch({text!r})" if options.ra is not None else repr(text)
    if source.kind == "archive":
        url = NGC6978_URL.replace("{band}", "{b}")
        read = f'Path(download_file(f"{url}", cache=True)).read_bytes()'
        return [f'files = [(f"ngc6976-{{b}}.fits.bz2", {read}) for b in "gri"]'], "files"
    names = [name for name, _ in source.files]
    if source.kind == "example":
        return [], _BUNDLED.format(names[0])
    if options.bands is not None and len(options.bands) == len(names):
        return [], _spell(dict(sorted(zip(options.bands, names, strict=True))))
    return [], repr(names[0]) if len(names) == 1 else _spell(names)


def _arguments(source: Source | None, options: Options) -> dict[str, object]:
    """Return the arguments of ``infer``; what is at its default is left out, but draws and seed."""
    o = options
    given: dict[str, object] = {
        "magnitudes": o.magnitudes or None,
        "petro_r50": o.petro_r50,
        "petro_r90": o.petro_r90,
    }
    if source is not None and source.stored is None:
        given |= {"ra": o.ra, "dec": o.dec, "pixel": o.pixel}
        given |= {"mask_regions": o.mask_regions or None}
        if source.fetched is None:
            given |= {
                word: getattr(o, name)
                for name, word in _PARAMETERS.items()
                if name in IMAGE_SETTINGS
            }
    given |= {
        "redshift": o.redshift,
        "redshift_range": o.redshift_range,
        "prior": o.redshift_prior,
        "use": None if set(o.use) == set(INPUTS) else o.use,
        "cuts": o.cuts or None,
        "detected": o.detected or None,
        "draws": o.draws,
        "seed": o.seed,
    }
    return {name: value for name, value in given.items() if value is not None}


def _spell(value: object) -> str:
    text = pformat(value, width=84, sort_dicts=False)
    return text.replace("\n", "\n    ")


def command_line(source: Source | None, options: Options) -> tuple[str, str]:
    """Return a command that writes the draws to a file, or why there is none.

    Parameters
    ----------
    source : Source or None
    options : Options

    Returns
    -------
    command : str
        For a POSIX shell; empty where the command line cannot say it.
    why : str
        What it cannot say; empty where it can.
    """
    given = _arguments(source, options)
    words = {
        "pixel": "a place in pixels",
        "use": "a choice of inputs",
        "cuts": "prior cuts",
    }
    lacking = [text for name, text in words.items() if name in given]
    if source is not None and source.stored is not None:
        lacking.insert(0, "a galaxy of the library by its latents")
    if source is not None and source.fetched is not None and "ra" in given:
        lacking.insert(0, "a place in a fetched image")
    if source is not None and source.kind == "archive":
        lacking.insert(0, "files of astropy's tutorial data")
    if lacking:
        return "", f"The command line has no word for {' and '.join(lacking)}: use Python."
    parts = [*_shell_target(source, options), *_flags(given), "--out posterior.ecsv"]
    return "galexplorer infer " + " \\\n  ".join(parts), ""


def _shell_target(source: Source | None, options: Options) -> list[str]:
    if source is None:
        return []
    if source.fetched is not None:
        return [shlex.quote(source.fetched.reading.text)]
    names = [name for name, _ in source.files]
    if source.kind == "example":
        code = f"from galexplorer.resources import bundled; print({_BUNDLED.format(names[0])})"
        return [f'"$(python -c {shlex.quote(code)})"']
    if options.bands is not None and len(options.bands) == len(names):
        pairs = sorted(zip(options.bands, names, strict=True))
        return [f"--{band} {shlex.quote(name)}" for band, name in pairs]
    return [" ".join(shlex.quote(name) for name in names)]


def _flags(given: Mapping[str, object]) -> list[str]:
    flags = []
    for name, value in given.items():
        if name == "magnitudes":
            assert isinstance(value, Mapping)
            flags += [f"--mag-{band} {magnitude!r}" for band, magnitude in value.items()]
            continue
        word = "redshift-prior" if name == "prior" else name.replace("_", "-")
        if isinstance(value, str):
            flags.append(f"--{word} {shlex.quote(value)}")
            continue
        if name == "detected":
            assert isinstance(value, tuple)
            flags.append(f"--detected {','.join(value)}")
            continue
        joint = "," if name == "prior" else " "
        words = joint.join(map(repr, value)) if isinstance(value, tuple) else repr(value)
        flags.append(f"--{word} {words}")
    return flags
