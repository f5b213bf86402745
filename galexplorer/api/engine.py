"""The engine with inputs of any kind in front of it and results that show themselves behind."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import numpy as np
import torch
from astropy import units as u
from astropy.table import QTable, Table

from galexplorer.api.inputs import Target, observe
from galexplorer.api.result import Result
from galexplorer.api.statements import Given
from galexplorer.errors import OptionError
from galexplorer.export.provenance import CITATION
from galexplorer.inference import engine as core
from galexplorer.inference.input_selection import INPUTS, apply_prior_cuts, select_inputs
from galexplorer.inference.options import check_options
from galexplorer.inference.prepared import PreparedObservation
from galexplorer.inference.prior import Prior
from galexplorer.records import result as records
from galexplorer.records.units import UNITS
from galexplorer.schema import TARGETS
from galexplorer.sky.fetched import Fetched

if TYPE_CHECKING:
    import pandas

    import galexplorer.catalogue


class Engine(core.Engine):
    """Loaded weights that infer whatever a user has of a galaxy; made by `load`.

    Immutable, so threads may share it.

    Parameters
    ----------
    weights : galexplorer.model.weights.Weights
        As `load` reads them.

    Examples
    --------
    >>> import galexplorer as gx
    >>> engine = gx.load()
    >>> result = engine.infer(magnitudes={"g": 17.6, "r": 16.8, "i": 16.4}, draws=1000)
    >>> len(result.draws)
    1000
    """

    def infer(
        self,
        target: Target | None = None,
        *,
        redshift: float | None = None,
        redshift_range: tuple[float, float] | None = None,
        prior: Prior | None = None,
        detected: Sequence[str] = (),
        draws: int = 5000,
        seed: int = 0,
        prepared: PreparedObservation | None = None,
        use: tuple[str, ...] = INPUTS,
        cuts: Mapping[str, tuple[float, float]] | None = None,
        name: str = "",
        **given: Unpack[Given],
    ) -> Result:
        """Infer the joint posterior of one galaxy.

        Parameters
        ----------
        target : optional
            A name, position or SDSS objID, a `~astropy.coordinates.SkyCoord`, one file or three,
            an array with ``wcs`` or ``pixel_scale``, or what `observe` or `fetch` returned; see
            `galexplorer.observe`. Without one, ``magnitudes`` are all there is.
        redshift : float, optional
            Known redshift, held fixed: all else is conditioned on it.
        redshift_range : tuple of float, optional
            Prior range of the redshift, with hard edges.
        prior : path, table or tuple of float, optional
            Independent information on the redshift, which multiplies the posterior: a table or a
            file with columns ``z`` and ``p``, such as another photometric redshift's p(z), or mean
            and standard deviation of a Gaussian, such as a cluster's. A note says what it does to
            the posterior, and whether it conflicts with the data.
        detected : sequence of str
            Lines that an SDSS spectrum of the galaxy shows at a signal-to-noise ratio above 3, of
            ``halpha``, ``hbeta``, ``nii_6584``, ``oiii_5007``: the posterior is that of a galaxy
            of which they were seen.
        draws : int
            Between 100 and 1,000,000.
        seed : int
            The same seed gives the same draws.
        prepared : galexplorer.inference.prepared.PreparedObservation, optional
            What `prepare` returned for this observation as it is used, where it is at hand.
        use : tuple of str
            Which of ``image``, the bands ``u, g, r, i, z`` and ``radii`` the model is given.
        cuts : mapping of str to tuple of float, optional
            Prior ranges of other targets, by name.
        name : str
            Of the galaxy, for titles; the text that was looked up by default.
        **given
            What else is known of the galaxy or its image, passed to `galexplorer.observe`:
            ``magnitudes``, ``errors``, ``petro_r50``, ``petro_r90``, ``ra``, ``dec``, ``pixel``,
            ``wcs``, ``pixel_scale``, ``flux_pixel_scale``, ``zero_point``, ``exposure``, ``mask``,
            ``weight``, ``mask_regions``, ``ebv``, ``deredden``, ``source``, ``progress``.

        Returns
        -------
        Result

        Raises
        ------
        InputError
            If a file or array cannot be read.
        TargetError
            If a name or position cannot be read, or no galaxy is found where it points.
        FetchError
            If the services give no usable answer.
        OptionError
            If an option is out of range or contradicts another.

        Examples
        --------
        >>> import galexplorer as gx
        >>> engine = gx.load()
        >>> result = engine.infer(
        ...     magnitudes={"u": 19.1, "g": 17.6, "r": 16.8, "i": 16.4, "z": 16.1}, redshift=0.05
        ... )
        >>> bool(9.5 < result.summary.loc["p50"]["log_stellar_mass"].value < 11.5)
        True
        >>> result = engine.infer("NGC 5332")  # doctest: +SKIP
        """
        check_options(redshift, redshift_range, draws, seed)
        observation = select_inputs(observe(target, **given), use)
        record = super().infer(
            observation,
            redshift=redshift,
            redshift_range=redshift_range,
            prior=prior,
            detected=detected,
            draws=draws,
            seed=seed,
            prepared=prepared,
        )
        return Result.of(apply_prior_cuts(record, cuts or {}), name or _name_of(target))

    def infer_table(
        self,
        table: "galexplorer.catalogue.Catalogue | Table | pandas.DataFrame | str | Path",
        *,
        columns: Mapping[str, str | None] | None = None,
        hdu: int | str | None = None,
        image: str | Path | None = None,
        deredden: bool = False,
        redshift_range: tuple[float, float] | None = None,
        prior: Prior | None = None,
        detected: Sequence[str] = (),
        draws: int = 512,
        seed: int = 0,
        progress: Callable[[int, int], None] | None = None,
        each: Callable[[int, Result], None] | None = None,
        workers: int | None = None,
        stop: Callable[[], bool] = lambda: False,
        before: "Table | str | Path | None" = None,
    ) -> QTable:
        """Infer every row of a table.

        Parameters
        ----------
        table : astropy.table.Table, pandas.DataFrame, str, Path or Catalogue
            Columns ``id, ra, dec, u, g, r, i, z`` (dereddened AB magnitudes), ``err_u`` ... and the
            others of `galexplorer.catalogue.columns.COLUMNS`; at least one magnitude or ``image``.
            Files are of any format that ``galexplorer.catalogue.read_catalogue`` reads;
            ``-`` is the standard input.
        columns : mapping of str to str or None, optional
            The table's column for a quantity, such as ``{"g": "mag_g", "redshift": None}``; None
            says that the table has none, and ``"F [nJy]"`` states a unit too.
        hdu : int or str, optional
            Which table of a file of several.
        image : str or Path, optional
            Image of the rows that name none, such as a wide frame in which their ``ra, dec`` lie.
        deredden : bool
            Galactic extinction is still in magnitudes whose names do not tell: remove it by the
            table's columns of extinction or E(B-V), and where there are none by the dust map that
            the package dustmaps fetched.
        redshift_range : tuple of float, optional
            Prior range of redshift of all rows; a row's own lies within it.
        prior : path, table or tuple of float, optional
            Redshift prior of all rows, as of `infer`; a row's own ``redshift_prior_mean`` and
            ``redshift_prior_sigma`` count in its place.
        detected : sequence of str
            Lines that the spectra of all rows show, as of `infer`.
        draws : int
            For each row.
        seed : int
            With the same seed and number of draws a row has the posterior that it has alone.
        progress : callable, optional
            Called with the number of rows done and the number of rows.
        each : callable, optional
            Called with the index of a row and its `Result`, one after the other; rows that could
            not be inferred are left out. It is where to plot or write what a row alone has.
        workers : int, optional
            Threads that infer, as many as there are cores by default. The result is the same.
        stop : callable, optional
            Asked often whether to stop: rows that are not done then have the flag
            ``not_inferred: interrupted``.
        before : Table, str or Path, optional
            A result of which rows are missing for that reason, in memory or as it was written, but
            not as CSV: its other rows are taken over. What comes out equals, bit for bit, the
            result of a run that was never stopped.

        Returns
        -------
        astropy.table.QTable
            A row for each row, with units and descriptions; ``flag`` says what is the matter with
            it.

        Raises
        ------
        InputError
            If the table cannot be read, is empty, or has none of the columns.
        OptionError
            If an option is out of range, or says how to read what was read already.
        OptionError
            If `before` was made with other options or weights, or of other rows.

        Examples
        --------
        >>> import galexplorer as gx
        >>> from astropy.table import Table
        >>> engine = gx.load()
        >>> table = Table({"g": [17.6, 18.2], "r": [16.8, 17.1], "i": [16.4, 16.6]})
        >>> len(engine.infer_table(table, draws=200))
        2
        >>> table = Table({"name": ["M 1"], "mag": [16.8]})
        >>> len(engine.infer_table(table, columns={"r": "mag"}, draws=200))
        1
        """
        from galexplorer.catalogue import Catalogue, read_catalogue  # one galaxy needs no tables
        from galexplorer.runs.catalogue_run import infer_catalogue
        from galexplorer.sky.reddening import read_reddening
        from galexplorer.tables.formats import read_raw

        if not isinstance(table, Catalogue):
            dust = read_reddening if deredden else None
            catalogue = read_catalogue(table, columns=columns, hdu=hdu, image=image, deredden=dust)
        elif columns or hdu is not None or image is not None or deredden:
            raise OptionError(
                "A Catalogue was read already: give columns, hdu, image, deredden to its file."
            )
        else:
            catalogue = table

        def hand_over(row: int, record: records.Result) -> None:
            if each is not None:
                each(row, Result.of(record, str(catalogue.id[row])))

        found = infer_catalogue(
            self,
            catalogue,
            redshift_range=redshift_range,
            prior=prior,
            detected=detected,
            draws=draws,
            seed=seed,
            progress=progress,
            each=hand_over if each is not None else None,
            workers=workers,
            stop=stop,
            before=None if before is None else read_raw(before).table,
        )
        found.meta["citation"] = CITATION
        return QTable(found)

    def neighbours(self, result: records.Result, number: int = core.NEIGHBOURS) -> QTable:
        """Find the real galaxies nearest to a result in latent space.

        Parameters
        ----------
        result : Result
            Of a galaxy with an image.
        number : int
            How many; the nearest first.

        Returns
        -------
        astropy.table.QTable
            Columns ``name``, ``ra``, ``dec`` (deg), ``distance`` (in whitened latent space),
            ``percentile`` (of the library's galaxies whose own nearest neighbour is nearer),
            the published values by target (NaN where there is none), and ``source``.

        Raises
        ------
        OptionError
            If the result has no image, or the number is not positive.
        """
        if result.latent is None:
            raise OptionError("Neighbours are found by the image, and this result has none.")
        if number < 1:
            raise OptionError(f"{number} neighbours were asked for: ask for at least one.")
        view = result.view
        itself = None
        if view is not None and view.ra is not None and view.dec is not None:
            itself = (view.ra, view.dec)
        found = self.library.nearest(
            torch.from_numpy(result.latent),
            number,
            exclude=itself,
            only=self.library.published,
        )
        near = self.describe([row for row, _ in found], [distance for _, distance in found])
        table = QTable()
        table["name"] = [galaxy.name for galaxy in near]
        table["ra"] = [galaxy.ra for galaxy in near] * u.deg
        table["dec"] = [galaxy.dec for galaxy in near] * u.deg
        table["distance"] = [galaxy.distance for galaxy in near]
        table["percentile"] = [galaxy.percentile for galaxy in near]
        for known in TARGETS:
            values = np.array([galaxy.known.get(known.name, np.nan) for galaxy in near])
            table[known.name] = values * UNITS[known.unit]
        table["source"] = [galaxy.source for galaxy in near]
        return table


def load(weights: str | Path | None = None, device: str = "auto") -> Engine:
    """Load weights.

    It also sets torch to one thread in this process (`torch.set_num_threads`): threads of torch
    that wait for each other on a busy machine take many times as long as one, and on an idle one
    gain little. Galaxies are what to run in parallel.

    Parameters
    ----------
    weights : str or Path, optional
        A folder; the weights that come with the package by default.
    device : {"auto", "cpu", "cuda"}

    Returns
    -------
    Engine

    Raises
    ------
    WeightsError
        If a file is missing, damaged or of another version.
    OptionError
        If the device is not available.

    Examples
    --------
    >>> import galexplorer as gx
    >>> gx.load(device="cpu").device
    device(type='cpu')
    """
    return Engine.load(None if weights is None else Path(weights), device)


@cache
def _default_engine() -> Engine:
    return load()


class Options(Given, total=False):
    """What `Engine.infer` can be told beside the target; see there."""

    redshift: float | None
    redshift_range: tuple[float, float] | None
    prior: Prior | None
    detected: Sequence[str]
    draws: int
    seed: int
    use: tuple[str, ...]
    cuts: Mapping[str, tuple[float, float]] | None
    name: str


def infer(target: Target | None = None, **options: Unpack[Options]) -> Result:
    """Infer one galaxy with the weights that come with the package, loaded once.

    Parameters
    ----------
    target : optional
        As of `Engine.infer`.
    **options
        As of `Engine.infer`, without ``prepared``.

    Returns
    -------
    Result

    Examples
    --------
    >>> import galexplorer as gx
    >>> result = gx.infer(magnitudes={"g": 17.6, "r": 16.8, "i": 16.4}, redshift=0.05)
    >>> result.posterior.fixed
    ('redshift',)
    """
    return _default_engine().infer(target, **options)


def _name_of(target: object) -> str:
    if isinstance(target, Fetched):
        return target.reading.text
    return target if isinstance(target, str) else target.stem if isinstance(target, Path) else ""
