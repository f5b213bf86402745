"""From training sets to the folder ``weights/``: train, calibrate, library, domain, manifest."""

import hashlib
import json
import logging
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from galexplorer.datasets import shards
from galexplorer.datasets.shards import TRAIN, Arrays
from galexplorer.errors import DataError
from galexplorer.inference import library
from galexplorer.inference.engine import DOMAIN_FILE, Engine
from galexplorer.model import weights
from galexplorer.model.features import INPUTS, expand_gri_to_ugriz
from galexplorer.model.network import GalaxyModel
from galexplorer.population import package_tables
from galexplorer.population.store import load_population
from galexplorer.simulation.training_set import table_rows
from galexplorer.training.calibration import calibrate
from galexplorer.training.config import Config
from galexplorer.training.fit import train
from galexplorer.training.library import entries_of
from galexplorer.training.training_data import TrainingData
from galexplorer.verdict import domain
from galexplorer.verdict.classifiers import VERDICT_FILE
from galexplorer.version import versions

log = logging.getLogger(__name__)

_DOMAIN_ROWS = 2000
_FAINTEST_ROWS = 20_000
_REAL_JPEGS = "Real SDSS JPEGs are labelled with redshift and mass only."
_RENDERED = (
    "Star-formation rates, metallicities, black-hole masses and lines of images were learnt from "
    "rendered galaxies, whose photometry and redshift are real and whose other values were "
    "measured or imputed with scatter from galaxies that have them; see "
    "galexplorer/population/table.py. Nearly all black-hole masses of images rest on velocity "
    "dispersions drawn from mass, size, concentration and star formation with the scatter of "
    "galaxies that have them measured. Lines below a signal-to-noise ratio of 2 are draws."
)
_NO_REAL_IMAGES = (
    "No real image took part. Everything about images was learnt, calibrated and judged on "
    "simulated galaxies: docs/training.md, under “Real, simulated or both”, measures how much "
    "worse such weights do on real ones, and their intervals are too narrow there. The library of "
    "real galaxies is empty, so results have no neighbours and the map shows nothing."
)
_NO_TRANSPLANTS = (
    "Every simulated galaxy is drawn from profiles: the forms of real ones (arms, bars, mergers) "
    "were never seen with lines and metallicities."
)
_SURVEY = (
    "Galaxies from the sky carry what SDSS and MPA-JHU measured, and their own pixels; lines "
    "below a signal-to-noise ratio of 2 are draws, black-hole masses restate the velocity "
    "dispersion. None of them is a JPEG."
)


def make_weights(
    folders: list[Path],
    out: Path,
    work: Path,
    config: Config,
    resume: bool = False,
    device: str = "auto",
    keep_model: bool = False,
    start: Path | None = None,
) -> dict:
    """Train on sets and write everything the engine loads.

    Parameters
    ----------
    folders : list of Path
        Sets made by ``galexplorer simulate`` and ``galexplorer dataset real``, or by ``galexplorer
        dataset build``. The population behind a rendered set joins as rows without images. A
        rendered set may come alone: log and manifest then say what is missing.
    out : Path
        Folder for the weights.
    work : Path
        Folder for checkpoints and history.
    config : Config
    resume : bool
    device : str
    keep_model : bool
        Leave the trained model in `out` as it is; calibrate it again and write all else anew.
    start : Path, optional
        Folder of weights to go on from.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    DataError
        If there are real images alone, which have neither lines nor star-formation rates.
    """
    device = str(weights.choose_device(device))
    sets: list[Arrays] = []
    real: list[library.Entries] = []
    described = []
    for folder in folders:
        arrays, manifest = shards.read(folder)
        sets.append(arrays)
        described.append(_describe(folder, manifest))
        if manifest.get("kind") == "rendered":
            sets.append(table_rows(load_population(folder, manifest["seed"])))
        else:
            real.append(entries_of(arrays))
    kinds = {described_set.get("kind") for described_set in described}
    if not kinds & {"rendered", "survey"}:
        raise DataError(
            "Real images alone have no lines, star-formation rates or metallicities to learn; "
            "give a set of `galexplorer simulate` or `galexplorer dataset build` too."
        )
    missing_data = missing_data_notes(described)
    for sentence in missing_data:
        log.warning(sentence)
    if keep_model:
        model = weights.load(out, device).model
        begun = weights.read_manifest(out).get("started_from")
    else:
        model, begun = train(sets, work, config, resume, device, start)
    # the classifiers of the verdict outlast the networks beside them
    verdict = (out / VERDICT_FILE).exists() and weights.read_manifest(out, True).get("verdict")
    training_data = TrainingData(sets)
    calibration = calibrate(model, training_data, device)
    manifest = {
        "made": datetime.now(UTC).strftime("%Y-%m-%d"),
        "trained_on": described,
        "rows": training_data.counts(),
        "notice": " ".join([*_notices(kinds, missing_data), *missing_data]),
        "config": asdict(config),
        **({} if begun is None else {"started_from": begun}),
        **({"verdict": verdict} if verdict else {}),
        "sizes": asdict(model.sizes),
        "calibration": calibration,
        "versions": {**versions(), "python": platform.python_version()},
        "made_with": {
            "simulate": [
                f"galexplorer simulate --size {d['size']} --seed {d['seed']}"
                for d in described
                if d["kind"] == "rendered"
            ],
            "real": [
                "galexplorer dataset real --rendered RENDERED"
                for d in described
                if d["kind"] == "real images"
            ],
            "build": [
                f"galexplorer dataset build --size {d['size']} --seed {d['seed']} "
                f"--source {d['source']}"
                for d in described
                if d["kind"] == "survey"
            ],
            "train": "galexplorer train SETS --config CONFIG"
            + ("" if begun is None else " --start WEIGHTS"),
        },
    }
    weights.save(out, model, manifest)
    write_domain(model, training_data, out, device)
    weights.write_manifest(out, manifest)
    kept = library.empty_library()
    if real:
        kept = library.build_library(Engine(weights.load(out, device)), library.join(real))
    library.write(out, kept)
    return weights.read_manifest(out)


def missing_data_notes(described: list[dict]) -> list[str]:
    """Return a sentence on everything that the sets lack and weights would need.

    Parameters
    ----------
    described : list of dict
        Manifests of the sets.
    """
    out = []
    if all(d["kind"] == "rendered" for d in described):
        out.append(_NO_REAL_IMAGES)
    rendered = [d for d in described if d["kind"] == "rendered"]
    if rendered and not any(d.get("kinds", {}).get("transplant", 1) for d in rendered):
        out.append(_NO_TRANSPLANTS)
    if any(package_tables.SOURCE in d.get("sources", {}) for d in rendered):
        out.append(package_tables.LIMITATION)
    return out


def _notices(kinds: set[str | None], missing_data: list[str]) -> list[str]:
    """Return what there is to know of weights besides what they lack."""
    out = [_REAL_JPEGS] if "real images" in kinds else []
    if "rendered" in kinds and package_tables.LIMITATION not in missing_data:
        out.append(_RENDERED)
    return [*out, _SURVEY] if "survey" in kinds else out


@torch.no_grad()
def write_domain(model: GalaxyModel, training_data: TrainingData, out: Path, device: str) -> None:
    """Write what `galexplorer.verdict.domain` compares new galaxies with."""
    rows = training_data.rows
    rng = np.random.default_rng(0)
    mean, precision, distances, misfits, faintest = {}, {}, {}, {}, {}
    has_image = rows["has_image"].astype(bool) & (rows["split"] == TRAIN)
    jpeg_like = has_image & (rows["origin"] == 2) & np.isfinite(rows["pixel_scale"])
    observed = rows["kind"] == shards.OBSERVED
    parts = {
        "photometry": np.isfinite(rows["catalogue_mag"]).all(axis=1) & (rows["split"] == TRAIN),
        "fits": has_image & (rows["origin"] == 1),
        "jpeg": jpeg_like & observed,
    }
    if parts["fits"].any() and parts["jpeg"].any():
        # linear images of real galaxies are what users bring; they lie between the two sets
        parts["fits"] |= parts["jpeg"]
    elif parts["fits"].any():  # the best there is to judge by
        parts["jpeg"] = jpeg_like if jpeg_like.any() else parts["fits"]
    for kind in INPUTS:
        index = np.flatnonzero(parts[kind])
        if len(index) == 0:
            continue
        photometry = rows["catalogue_mag"]
        if kind != "photometry":
            photometry = expand_gri_to_ugriz(rows["measured_mag"])
        # as training draws them: tables of faint or nearby galaxies hardly count
        share = training_data.weight[index] / training_data.weight[index].sum()
        drawn = rng.choice(index, _FAINTEST_ROWS, p=share)
        faintest[kind] = domain.faintest_magnitudes(photometry[drawn])
        chosen = np.unique(drawn[:_DOMAIN_ROWS])
        part = training_data.select(chosen)
        latent = torch.zeros((len(part["split"]), 32))
        if kind != "photometry":
            latent, misfit = _latents_and_misfits(model, part, device)
            misfits[kind] = domain.levels(misfit)
        magnitudes = torch.from_numpy(photometry[chosen])
        inputs = domain.distance_inputs(latent.cpu(), magnitudes, kind)
        mean[kind], precision[kind], distances[kind] = domain.summarise(inputs)
    statistics = domain.DomainStatistics(mean, precision, distances, misfits, faintest)
    weights.write_arrays(out / DOMAIN_FILE, statistics.to_arrays())


def _latents_and_misfits(
    model: GalaxyModel, rows: Arrays, device: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return averaged latents (n, 32) and the misfit of the reconstruction (n,)."""
    latents, misfits = [], []
    for begin in range(0, len(rows["split"]), 256):
        grid = torch.from_numpy(rows["grid"][begin : begin + 256]).to(device)
        latents.append(model.encode(grid)[0].cpu())
        decoded = model.reconstruct(grid)[1]
        misfits.append(domain.misfit_of(grid.float() / 255.0, decoded).cpu())
    return torch.cat(latents), torch.cat(misfits)


def _describe(folder: Path, manifest: dict) -> dict:
    text = json.dumps(manifest, sort_keys=True).encode()
    described = {k: v for k, v in manifest.items() if k not in ("shards", "format")}
    return {**described, "manifest_sha256": hashlib.sha256(text).hexdigest()}
