"""Posterior draws for other programs: VOTable for TOPCAT and its kin, netCDF for ArviZ."""

import io
import warnings

import numpy as np
from astropy.io.votable.tree import Info
from astropy.table import Table
from astropy.utils.exceptions import AstropyWarning

from galexplorer.export.provenance import to_json
from galexplorer.schema import TARGET_NAMES, TARGETS
from galexplorer.science.derived import DERIVED
from galexplorer.tables.describe import to_votable
from galexplorer.version import __version__

_UNITS = {quantity.name: quantity.unit for quantity in (*TARGETS, *DERIVED)}


def votable_bytes(table: Table) -> bytes:
    """Return the posterior's table as a VOTable.

    Parameters
    ----------
    table : astropy.table.Table
        As `galexplorer.export.tables.posterior_table` makes it.

    Returns
    -------
    bytes
        One TABLE of draws; each entry of the metadata is an INFO of the RESOURCE, as JSON
        where it is not plain text.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)  # of names, which are as they are
        file = to_votable(table)
        file.resources[0].infos.extend(
            Info(name=key, value=value if isinstance(value, str) else to_json(value))
            for key, value in table.meta.items()
        )
        buffer = io.BytesIO()
        file.to_xml(buffer)
    return buffer.getvalue()


def netcdf_bytes(table: Table) -> bytes:
    """Return the posterior's table as netCDF 4 in the layout of ArviZ's InferenceData.

    Parameters
    ----------
    table : astropy.table.Table
        As `galexplorer.export.tables.posterior_table` makes it.

    Returns
    -------
    bytes
        Group ``posterior`` with dimensions ``chain`` (1, since the draws are independent) and
        ``draw``; ``arviz.from_netcdf`` reads it. The metadata are attributes, as JSON where
        they are not plain text.

    References
    ----------
    The InferenceData schema, python.arviz.org/en/stable/schema/schema.html.
    """
    import h5netcdf  # HDF5's library: loaded where it is needed

    buffer = io.BytesIO()
    with h5netcdf.File(buffer, "w") as file:
        group = file.create_group("posterior")
        group.dimensions = {"chain": 1, "draw": len(table)}
        group.create_variable("chain", ("chain",), data=np.arange(1))
        group.create_variable("draw", ("draw",), data=np.arange(len(table)))
        for name in table.colnames:
            variable = group.create_variable(
                name,
                ("chain", "draw"),
                data=np.asarray(table[name])[None, :],
                compression="gzip",
                compression_opts=4,
            )
            variable.attrs["long_name"] = table[name].description
            variable.attrs["units"] = _UNITS[name] or "1"
            variable.attrs["derived"] = int(name not in TARGET_NAMES)
        for owner in (file, group):
            owner.attrs["inference_library"] = "galexplorer"
            owner.attrs["inference_library_version"] = __version__
        for key, value in table.meta.items():
            file.attrs[key] = value if isinstance(value, str) else to_json(value)
    return buffer.getvalue()
