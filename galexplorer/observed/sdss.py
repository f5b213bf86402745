"""A training set from the sky: select, download, measure, write; resumable at any point.

What the folder holds: ``survey.json``, what was asked for; ``pages/``, answers of SkyServer until
the selection is whole; ``selection.parquet``, the galaxies as the catalogue has them;
``catalogue.safetensors``, their photometry and labels; ``journal.sqlite``, what became of each;
shards and, in the end, a manifest; ``failures.csv``, those that could not be had, with reasons.
"""

import json
import logging
import os
import shutil
import time
import warnings
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.utils.exceptions import AstropyWarning
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors import safe_open
from safetensors.numpy import load_file

from galexplorer import console
from galexplorer.datasets import shards
from galexplorer.datasets.rows import add_image
from galexplorer.errors import DataError, FetchError, TargetError
from galexplorer.image.measure import measure
from galexplorer.observed.sdss_journal import IMAGE_ARRAYS, SHARD_SIZE, Journal
from galexplorer.observed.sdss_labels import describe
from galexplorer.observed.sdss_pixels import PixelResult, Source, fetch_all, targets_of
from galexplorer.observed.sdss_selection import CRITERIA, select
from galexplorer.schema import TARGET_NAMES
from galexplorer.sky.catalogue import DATA_RELEASE
from galexplorer.sky.http import Settings

log = logging.getLogger(__name__)

MAX_FAILURES_IN_A_ROW = 40
_MAX_OFFSET_PX = 20.0
_REPORT_S = 60.0

# A survey may wait longer than a person does.
SURVEY_NETWORK_SETTINGS = {
    "read_s": 150.0,
    "frame_s": 60.0,
    "total_s": 400.0,
    "attempts": 4,
    "backoff_s": 1.0,
}


@dataclass(frozen=True)
class Plan:
    """What was asked for; a folder holds one.

    Attributes
    ----------
    size, seed : int
    source : {"frames", "legacy"}
    shard_size : int
    release : int
    """

    size: int
    seed: int
    source: Source
    shard_size: int = SHARD_SIZE
    release: int = DATA_RELEASE


def build(
    size: int,
    out: Path,
    *,
    source: Source = "frames",
    seed: int = 0,
    parallel: int = 2,
    settings: Settings | None = None,
    shard_size: int = SHARD_SIZE,
) -> dict:
    """Make a training set of SDSS galaxies out of SDSS's own catalogues and pixels.

    Parameters
    ----------
    size : int
        Number of galaxies.
    out : Path
        Folder, outside the repository. One that holds a part of this very set is gone on with.
    source : {"frames", "legacy"}
        Frames of the SDSS archive, or cutouts of the Legacy Surveys viewer.
    seed : int
        Of the selection: with the same, a larger set holds a smaller one.
    parallel : int
        How many fields, of three frames each, or cutouts are asked for at a time.
    settings : Settings, optional
        Limits of the network.
    shard_size : int
        Galaxies in a file.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    DataError
        If the folder holds another set, another process is at work in it, or SDSS has not so
        many galaxies.
    FetchError
        If galaxies are missing in the end, or services fail again and again. What was had is
        kept, and the same call goes on from there.
    """
    settings = settings or replace(Settings(), **SURVEY_NETWORK_SETTINGS)  # type: ignore[arg-type]
    out.mkdir(parents=True, exist_ok=True)
    plan = Plan(size, seed, source, shard_size)
    _check_plan(out, plan)
    with warnings.catch_warnings():
        # Readers silence what astropy mends in headers, but one thread ends the other's silence.
        warnings.simplefilter("ignore", AstropyWarning)
        catalogue = _catalogue(out, plan, settings)
        rows = pd.read_parquet(out / "selection.parquet")
        with Journal(out, catalogue, shard_size) as journal:
            received, seconds = _download(journal, rows, plan, parallel, settings)
            failures = journal.failures()
    manifest = _finish(out, plan, rows, failures)
    log.info("%d galaxies, %.0f MB in %.0f s", manifest["galaxies"], received / 1e6, seconds)
    if failures:
        raise FetchError(
            f"{len(failures)} of {size} galaxies could not be retrieved, for the reasons in "
            f"{out / 'failures.csv'}: run the same command again to retry them; the set "
            "of the others is complete."
        )
    return manifest


def _check_plan(out: Path, plan: Plan) -> None:
    path = out / "survey.json"
    if path.exists():
        before = Plan(**json.loads(path.read_text()))
        if before != plan:
            conditions = ", ".join(f"{name} {value}" for name, value in vars(before).items())
            raise DataError(f"{out} holds another set ({conditions}): name another folder.")
        return
    if any(out.glob("shard-*.safetensors")):
        raise DataError(f"{out} holds a set of another kind: name another folder.")
    _write(path, json.dumps(vars(plan), indent=2) + "\n")


def _catalogue(out: Path, plan: Plan, settings: Settings) -> shards.Arrays:
    """Return photometry and labels of the galaxies, which are selected first."""
    path = out / "catalogue.safetensors"
    if path.exists():
        shutil.rmtree(out / "pages", ignore_errors=True)
        return load_file(str(path))
    log.info("querying SkyServer for the selection")
    with _bar() as bar:
        task = bar.add_task("catalogue pages", total=None, volume="")
        rows = select(
            plan.size,
            plan.seed,
            out / "pages",
            settings,
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    temporary = out / "selection.part"
    rows.to_parquet(temporary)
    os.replace(temporary, out / "selection.parquet")
    arrays = describe(rows, plan.seed)
    arrays["objid"] = rows.objID.to_numpy(np.int64)
    shards.write_shard(path, arrays)
    shutil.rmtree(out / "pages")
    return arrays


def _download(
    journal: Journal, rows: pd.DataFrame, plan: Plan, parallel: int, settings: Settings
) -> tuple[int, float]:
    """Have every galaxy that is still to be had; return bytes received and seconds."""
    pending = journal.pending()
    missed = {number for number, _ in journal.failures()}
    if len(pending):  # the set is not finished while shards may change
        (journal.folder / "manifest.json").unlink(missing_ok=True)
    left = Counter((pending // plan.shard_size).tolist())
    targets = targets_of(rows)
    received = in_a_row = done = 0
    began = reported = time.monotonic()
    log.info("%d of %d galaxies to download", len(pending), plan.size)
    with _bar() as bar:
        task = bar.add_task(
            "galaxies", total=plan.size, completed=plan.size - len(pending), volume=""
        )
        wanted = [targets[number] for number in pending]
        for result in fetch_all(wanted, plan.source, parallel, settings):
            number = result.target.number
            if result.pixels is None:
                journal.fail(number, result.reason)
                in_a_row += number not in missed  # what failed before says nothing new
            else:
                journal.add(number, _measured(result))
                in_a_row = 0
            received += result.received_bytes
            done += 1
            shard = number // plan.shard_size
            left[shard] -= 1
            if not left[shard]:
                journal.store([shard])
            bar.update(task, advance=1, volume=f"{received / 1e6:.0f} MB")
            if time.monotonic() - reported > _REPORT_S:
                reported = time.monotonic()
                rest_h = (reported - began) / done * (len(pending) - done) / 3600
                log.info("%d of %d galaxies, %.1f h to go", done, len(pending), rest_h)
            if in_a_row >= MAX_FAILURES_IN_A_ROW:
                raise FetchError(
                    f"{in_a_row} galaxies in a row failed ({result.reason.rstrip('.')}): "
                    "run the same command again later to resume."
                )
    journal.store()
    return received, time.monotonic() - began


def _measured(result: PixelResult) -> shards.Arrays:
    """Return the part of a row that comes from the image; without one where nothing is found."""
    arrays = shards.empty(1)
    pixels, target = result.pixels, result.target
    assert pixels is not None
    try:
        found = measure(pixels, target.ra, target.dec)
    except TargetError:
        found = None  # the row serves without an image
    if found is not None:
        x, y = pixels.to_pixel(target.ra, target.dec)
        if np.hypot(found.x - x, found.y - y) <= _MAX_OFFSET_PX:  # else a neighbour took its place
            add_image(arrays, 0, pixels, found)
    return {name: arrays[name] for name in IMAGE_ARRAYS}


def _finish(out: Path, plan: Plan, rows: pd.DataFrame, failures: list[tuple[int, str]]) -> dict:
    """Write the manifest and the list of failures; check that nothing is there twice."""
    objids, images, labels = [], 0, np.zeros((len(TARGET_NAMES), 4), int)
    for path in sorted(out.glob("shard-*.safetensors")):
        with safe_open(path, "numpy") as shard:
            objids += shard.get_tensor("objid").tolist()
            images += int(shard.get_tensor("has_image").sum())
            label = shard.get_tensor("label")
        for k in range(len(TARGET_NAMES)):
            labels[k] += np.bincount(label[:, k], minlength=4)
    failed = {int(rows.objID[number]) for number, _ in failures}
    if sorted([*objids, *failed]) != sorted(rows.objID.tolist()):
        raise DataError(f"The shards in {out} do not hold each galaxy once: build it again.")
    path = out / "failures.csv"
    if failures:
        columns = ["objID", "ra", "dec", "run", "camcol", "field"]
        table = rows.loc[[number for number, _ in failures], columns]
        _write(path, table.assign(reason=[reason for _, reason in failures]).to_csv(index=False))
    else:
        path.unlink(missing_ok=True)
    manifest = {
        "kind": "survey",
        **vars(plan),
        "selection": CRITERIA,
        "galaxies": len(objids),
        "images": images,
        "failed": len(failures),
        "labels": {
            name: {"measured": int(row[1]), "below_detection": int(row[3])}
            for name, row in zip(TARGET_NAMES, labels, strict=True)
        },
    }
    shards.write_manifest(out, manifest)
    return manifest


def _bar() -> Progress:
    return console.progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[volume]}"),
        TimeRemainingColumn(),
    )


def _write(path: Path, text: str) -> None:
    temporary = path.with_suffix(".part")
    temporary.write_text(text)
    os.replace(temporary, path)
