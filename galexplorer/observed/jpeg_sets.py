"""Real SDSS colour JPEGs as rows of the training set.

Every set goes through the image path of inference. What a set is fit for differs:

* ``sdss_spirals``, ``sdss_stripe``: known scale, so photometry, sizes and labels count.
* ``efigi`` (Baillard et al. 2011, 1103.5734), ``gz1_jpeg``, ``gz2_jpeg`` (Lintott et al. 2011,
  1007.3265; Willett et al. 2013, 1308.3496): scale or stretch differ from image to image, so
  only the autoencoder learns from them.
"""

import logging
import multiprocessing
from pathlib import Path

import numpy as np
import pandas as pd
from astropy import units
from astropy.coordinates import SkyCoord

from galexplorer.console import track
from galexplorer.datasets import shards
from galexplorer.datasets.rows import add_image, black_hole_mass, labels_of
from galexplorer.errors import DataError, InputError, TargetError
from galexplorer.image.measure import measure
from galexplorer.image.reader import read_image
from galexplorer.population.extension import SHIFTED
from galexplorer.population.further_tables import FOLDER, clean
from galexplorer.population.scales import CHABRIER_TO_KROUPA_SFR, to_mpajhu_mass
from galexplorer.population.sources import data_folder
from galexplorer.population.store import load_population
from galexplorer.schema import BANDS, LINE_NAMES, TARGET_NAMES

log = logging.getLogger(__name__)

SCALES_ARCSEC = {"sdss_spirals": 0.2, "sdss_stripe": 0.188}
MORPHOLOGY_ONLY = ("efigi", "gz1_jpeg", "gz2_jpeg")
_NOMINAL_SCALE_ARCSEC = 0.396
_MAX_REDSHIFT = 0.33
_GSWLC = ("gswlc_sga", "virgo_gswlc")
_NEEDS_SCALE = ("pixel_scale", "measured_mag", "measured_err", "measured_petro")
FROM_IMAGE = ("grid", "has_image", "origin", *_NEEDS_SCALE)
"""Arrays that an image fills."""


def build(data: Path, rows: pd.DataFrame, out: Path, workers: int = 2) -> dict:
    """Turn the real images into one shard per set.

    Parameters
    ----------
    data : Path
        Folder of the real sets.
    rows : pandas.DataFrame
        Population: galaxies that are in both give their photometry and further labels.
    out : Path
    workers : int

    Returns
    -------
    dict
        The manifest, with the number of images, of labels, and of files that could not be used.

    Raises
    ------
    DataError
        If a set is not there.
    """
    out.mkdir(parents=True, exist_ok=True)
    report: dict = {"kind": "real images", "sets": {}}
    for name in (*SCALES_ARCSEC, *MORPHOLOGY_ONLY):
        if not (data / name).is_dir():
            raise DataError(f"{data} holds no folder {name}; give the folder of the real images.")
        arrays = read_set(data, name, rows, workers)
        shards.write_shard(out / f"shard-{name}.safetensors", arrays)
        report["sets"][name] = {
            "images": int(arrays["has_image"].sum()),
            "unusable": int((arrays["has_image"] == 0).sum()),
            "redshifts": int((arrays["label"][:, 0] > 0).sum()),
            "masses": int((arrays["label"][:, 1] > 0).sum()),
            "with_catalogue_photometry": int(np.isfinite(arrays["catalogue_mag"][:, 2]).sum()),
        }
        log.info("%s: %s", name, report["sets"][name])
    shards.write_manifest(out, report)
    return report


def read_set(
    data: Path, name: str, rows: pd.DataFrame, workers: int = 1, labelled: bool = False
) -> shards.Arrays:
    """Return the images of a set, measured, with their labels.

    Parameters
    ----------
    data : Path
        Folder of the real sets.
    name : str
        One of them.
    rows : pandas.DataFrame
        Population: galaxies that are in both give their photometry and further labels.
    workers : int
    labelled : bool
        Only images with a redshift.
    """
    labels = _join_further(_labels(data / name), data / FOLDER / f"labels_{name}.csv.gz")
    if labelled:
        labels = labels[labels.z_spec.notna()].reset_index(drop=True)
    arrays = shards.empty(len(labels))
    scale = SCALES_ARCSEC.get(name, _NOMINAL_SCALE_ARCSEC)
    tasks = [(data / name / file, scale) for file in labels.file]
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        for k, part in enumerate(
            track(pool.imap(_image, tasks, chunksize=32), f"images of {name}", len(tasks))
        ):
            if part is None:
                continue
            for key in FROM_IMAGE:
                arrays[key][k] = part[key][0]
    if name in SCALES_ARCSEC:
        _label(arrays, labels, rows)
    else:
        for key in _NEEDS_SCALE:
            arrays[key][:] = np.nan
    for k, (file, ra, dec) in enumerate(zip(labels.file, labels.ra, labels.dec, strict=True)):
        if np.isfinite(ra):
            arrays["position"][k] = (ra, dec)
            arrays["split"][k] = shards.split_of(ra, dec)
        else:
            arrays["split"][k] = shards.split_of_key(f"{name}/{file}")
    return arrays


def build_from(data: Path | None, rendered: Path, out: Path, workers: int) -> dict:
    """Build from the folder of real data and the population of a rendered set.

    Raises
    ------
    DataError
        If either is missing.
    """
    folder = data_folder(data)
    if folder is None:
        raise DataError("No folder of real images was found; give it with --data.")
    _, manifest = shards.read(rendered)
    return build(folder, load_population(rendered, manifest["seed"], folder), out, workers)


def _labels(folder: Path) -> pd.DataFrame:
    table = folder / "labels.csv"
    frame = (
        pd.read_csv(table)
        if table.exists()
        else pd.DataFrame({"file": sorted(p.name for p in folder.glob("*.jpg"))})
    )
    for column in ("ra", "dec", "z_spec", "log_mstar", "mass_source"):
        if column not in frame:
            frame[column] = np.nan
    return frame


def _join_further(labels: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Let a second table of labels have the say over redshift and mass, and give what is new.

    Of star-formation rates GSWLC's are new: the others are in the population, or of galaxies that
    were chosen by their spectra.
    """
    source = labels.mass_source.astype(object)
    out = labels.assign(oh_t04=np.nan, vdisp=np.nan, log_sfr=np.nan, mass_source=source)
    if not path.exists():
        return out
    further = labels[["file"]].merge(pd.read_csv(path).drop_duplicates("file"), how="left")
    redshift = further.n_z_spec.to_numpy(float)
    here = np.isfinite(redshift)
    out.loc[here, "z_spec"] = redshift[here]
    mass = further.n_log_mstar.to_numpy(float)
    here = np.isfinite(mass)
    out.loc[here, "log_mstar"], out.loc[here, "mass_source"] = mass[here], "mpajhu"
    for name in ("oh_t04", "vdisp"):
        out[name] = further[f"n_{name}"].to_numpy(float)
    rate = clean(further.n_log_sfr, -6, 4) + CHABRIER_TO_KROUPA_SFR
    out["log_sfr"] = np.where(further.n_log_sfr_src.isin(_GSWLC), rate, np.nan)
    return out


def _image(task: tuple[Path, float]) -> shards.Arrays | None:
    path, scale = task
    part = shards.empty(1)
    try:
        pixels = read_image(path, pixel_scale_arcsec=scale)
        add_image(part, 0, pixels, measure(pixels))
    except (InputError, TargetError):
        return None  # counted as unusable in the report
    return part


def _label(arrays: shards.Arrays, labels: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Put redshift, mass and, where the galaxy is in a table too, its photometry and labels."""
    redshift = labels.z_spec.to_numpy(float)
    good = (redshift > 0.003) & (redshift < _MAX_REDSHIFT)
    arrays["targets"][good, 0] = redshift[good]
    mass = labels.log_mstar.to_numpy(float).copy()
    for name, part in labels.groupby("mass_source"):
        here = labels.index.get_indexer(part.index)
        mass[here] = to_mpajhu_mass(mass[here], str(name))
    arrays["targets"][:, 1] = np.where((mass > 6) & (mass < 12.6) & good, mass, np.nan)
    rate = np.where(good, labels.log_sfr.to_numpy(float), np.nan)
    arrays["targets"][:, TARGET_NAMES.index("log_sfr")] = rate
    metallicity = labels.oh_t04.to_numpy(float)
    within = good & (metallicity > 7) & (metallicity < 10)
    arrays["targets"][within, TARGET_NAMES.index("gas_metallicity")] = metallicity[within]
    holes, meant = black_hole_mass(labels.vdisp.to_numpy(float))
    here = good & meant
    arrays["targets"][here, TARGET_NAMES.index("log_bh_mass")] = holes[here]
    arrays["label"][:] = np.isfinite(arrays["targets"])
    # copies at other redshifts lie where their galaxy does, and are not it
    placed = rows[np.isfinite(rows.ra) & (rows.source != SHIFTED)].reset_index(drop=True)
    if placed.empty:
        return
    mine = SkyCoord(labels.ra.to_numpy() * units.deg, labels.dec.to_numpy() * units.deg)
    theirs = SkyCoord(placed.ra.to_numpy() * units.deg, placed.dec.to_numpy() * units.deg)
    nearest, separation, _ = mine.match_to_catalog_sky(theirs)
    targets, label = labels_of(placed)
    for k in np.flatnonzero(separation.arcsec < 3):
        row = placed.iloc[int(nearest[k])]
        arrays["catalogue_mag"][k] = [row[b] for b in BANDS]
        arrays["catalogue_err"][k] = [row[f"err_{b}"] for b in BANDS]
        arrays["catalogue_petro_mag"][k] = [row[f"petro_{b}"] for b in BANDS]
        arrays["line_snr"][k] = [row[f"{name}_snr"] for name in LINE_NAMES]
        if np.isfinite(row.petro_r50) and np.isfinite(row.petro_r90):
            arrays["catalogue_petro"][k] = (row.petro_r50, row.petro_r90)
        lacking = ~np.isfinite(arrays["targets"][k])
        arrays["targets"][k, lacking] = targets[nearest[k], lacking]
        arrays["label"][k, lacking] = label[nearest[k], lacking]
