"""The bench of the verdict: what it catches, what it takes galaxies for, what its scores are worth.

Everything is held out: rows of magnitudes and images of the test split, by whole square degrees,
and what is made from them. Nothing here chooses a threshold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import sep
import torch

from galexplorer.datasets.shards import TEST
from galexplorer.errors import GalexplorerError
from galexplorer.image.reader import read_image
from galexplorer.inference.engine import Engine
from galexplorer.inference.observe import observe
from galexplorer.records.observation import Observation
from galexplorer.records.photometry import Photometry
from galexplorer.records.verdict import CAUTION, DO_NOT_USE, FINE, Verdict
from galexplorer.runs.even_batches import domains_of, misfits_of
from galexplorer.schema import BANDS, IMAGE_BANDS
from galexplorer.screening.images import Task, list_tasks, make_images, scale_known
from galexplorer.screening.tables import (
    SHREDDED,
    VEGA_MINUS_AB_MAG,
    held_out,
    read_screening_rows,
    stars_of,
)
from galexplorer.verdict.classifiers import PRIOR_GALAXY
from galexplorer.verdict.judgement import LIMITS

UGRIZ, IMAGE = "ugriz", "image"

BRIGHT_R = 18.5
"""Magnitude down to which stars and quasars are judged by colours alone."""

KINDS = {
    "Stars": (UGRIZ, ("star",), 0.94),
    "Quasars": (UGRIZ, ("quasar",), 0.75),
    "Galaxies at z = 0.4 to 0.8": (UGRIZ, ("distant",), 0.90),
    "Vega instead of AB magnitudes": (UGRIZ, ("vega",), 0.90),
    "Stars of a real frame": (IMAGE, ("real star",), 0.95),
    "Stars, simulated": (IMAGE, ("star", "saturated_star"), 0.95),
    "Artefacts and empty sky": (IMAGE, ("bad sky", "empty centre", "noise"), 0.95),
    "Glow of bright stars": (IMAGE, ("glow",), 0.95),
    "Bleed and trails": (IMAGE, ("trail",), 0.95),
    "Red and blue swapped": (IMAGE, ("swapped_bands",), 0.90),
    "Units wrong by 10": (IMAGE, ("units_10",), 0.90),
    "Units wrong by 1000": (IMAGE, ("units_1000",), 0.95),
    "Pixel scale wrong by 2": (IMAGE, ("scale_2", "scale_half"), 0.90),
    "Cut off by an edge": (IMAGE, ("cut_off",), 0.90),
    "Drawings and photographs, synthetic": (IMAGE, ("drawing",), 0.95),
    "Seeing half or twice SDSS's": (IMAGE, ("psf_wide", "psf_narrow"), 0.90),
}
"""What is to be caught: by which input, kinds of the bench, and the share aimed at."""

_NO_GALAXY = ("star", "real star", "saturated_star", "bad sky", "empty centre", "noise", "glow",
              "trail", "drawing", "quasar")  # fmt: skip
_FRAME = "frame-{}-005112-4-0345.fits.bz2"
_FRAME_R = (13.0, 18.5)
_BATCH = 64
_DRAWS = 100
_ROWS = 600
_R_EDGES = (0.0, 14.0, 15.0, 16.0, 17.0, 17.77, 18.9)
_SIZE_EDGES = (0.0, 2.0, 3.0, 5.0, 10.0, 1000.0)
_EARLY_UR = 2.22  # Strateva et al. 2001, astro-ph/0107201
_DWARF_REDSHIFT = 0.01
_BINS = np.array([0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 1.0])


@dataclass(frozen=True)
class _Judged:
    """What became of one thing; level "refused" where nothing could be measured."""

    kind: str
    level: str
    codes: tuple[str, ...]
    p_galaxy: float
    width: float
    r: float
    size_arcsec: float
    group: str


def judge_bench(engine: Engine, data: Path, workers: int = 1, seed: int = 0) -> dict:
    """Run the bench.

    Parameters
    ----------
    engine : Engine
    data : Path
        Folder of the real data.
    workers : int
        Processes that make images.
    seed : int

    Returns
    -------
    dict
        ``false_alarm_rate`` the classifiers aim at; ``kinds``, what share of each was caught
        (``do_not_use``, or refused with an error) and warned of; ``false_alarms`` by input,
        magnitude, size and type; ``reliability`` of the probability of a galaxy by input.
    """
    rows = read_screening_rows(data)
    by_input = {
        UGRIZ: _judge_rows(engine, rows, seed),
        IMAGE: _judge_images(engine, data, stars_of(rows, TEST), workers, seed),
    }
    return {
        "false_alarm_rate": LIMITS[DO_NOT_USE],
        "kinds": [
            {"kind": name, "input": kind, "goal": goal, **_caught(by_input[kind], wanted)}
            for name, (kind, wanted, goal) in KINDS.items()
        ],
        "false_alarms": [
            {"input": kind, **row} for kind, found in by_input.items() for row in _alarms(found)
        ],
        "reliability": {kind: _reliability(found) for kind, found in by_input.items()},
    }


def _judge_rows(engine: Engine, rows: pd.DataFrame, seed: int) -> list[_Judged]:
    """Judge magnitudes alone; galaxies as many as `_ROWS` of each type."""
    test = held_out(rows)
    galaxies = test[(test.kind == "galaxy") & (test.source != SHREDDED)]
    groups = np.select(
        [galaxies.redshift < _DWARF_REDSHIFT, galaxies.source == "mergers",
         galaxies.u - galaxies.r > _EARLY_UR],
        ["dwarf or nearby", "merger", "early"], "late",
    )  # fmt: skip
    galaxies = galaxies.assign(group=groups)
    parts = [
        part.sample(min(len(part), _ROWS), random_state=seed)
        for _, part in galaxies.groupby("group")
    ]
    wanted = held_out(rows, faintest=BRIGHT_R)
    parts += [
        wanted[wanted.kind == kind].assign(group=kind).pipe(_at_most, seed)
        for kind in ("star", "quasar")
    ]
    far = rows[(rows.split == TEST) & (rows.kind == "distant") & rows.redshift.between(0.4, 0.8)]
    parts.append(far.assign(group="distant").pipe(_at_most, seed))
    vega = parts[0].assign(kind="vega", group="vega")
    vega[list(BANDS)] += np.array(VEGA_MINUS_AB_MAG)
    table = pd.concat([*parts, vega], ignore_index=True)
    observations = [
        Observation(None, Photometry("catalogue", {b: m for b, m in zip(BANDS, m5, strict=True)
                                                   if np.isfinite(m)}))
        for m5 in table[list(BANDS)].to_numpy(float).tolist()
    ]  # fmt: skip
    found = _judge(engine, observations)
    return [
        _Judged(kind, verdict.level, verdict.codes, verdict.p_galaxy, width, r, size, group)
        for (verdict, width), kind, r, size, group in zip(
            found, table.kind, table.r, table.r50, table.group, strict=True
        )
    ]


def _at_most(part: pd.DataFrame, seed: int) -> pd.DataFrame:
    return part.sample(min(len(part), _ROWS), random_state=seed)


def _judge_images(
    engine: Engine, data: Path, stars: np.ndarray, workers: int, seed: int
) -> list[_Judged]:
    tasks = list_tasks(data, (TEST,), seed)
    judged: list[_Judged] = []
    pending: list[tuple[Task, Observation]] = []

    def settle() -> None:
        found = _judge(engine, [observation for _, observation in pending])
        for (task, observation), (verdict, width) in zip(pending, found, strict=True):
            photometry = observation.photometry
            r, size = photometry.magnitudes.get("r", np.nan), photometry.petro_r50 or np.nan
            judged.append(
                _Judged(_kind(task), verdict.level, verdict.codes, verdict.p_galaxy, width, r,
                        size, task.group)
            )  # fmt: skip
        pending.clear()

    for task, observation in make_images(tasks, stars, _whole, workers, "images to judge"):
        if observation is None:
            judged.append(
                _Judged(_kind(task), "refused", (), np.nan, np.nan, np.nan, np.nan, task.group)
            )
            continue
        pending.append((task, observation))
        if len(pending) == _BATCH:
            settle()
    if pending:
        settle()
    real = _stars_of_frame(data)
    return judged + [
        _Judged("real star", verdict.level, verdict.codes, verdict.p_galaxy, width,
                observation.photometry.magnitudes.get("r", np.nan), np.nan, "SDSS frame")
        for observation, (verdict, width) in zip(real, _judge(engine, real), strict=True)
    ]  # fmt: skip


def _stars_of_frame(data: Path) -> list[Observation]:
    """Return what the point sources of a real SDSS frame are measured as.

    They are those whose half-light radius is the commonest among bright sources, within a tenth:
    stars share the point-spread function, and galaxies do not.
    """
    pixels = read_image({band: data / "fits" / _FRAME.format(band) for band in IMAGE_BANDS})
    plane = np.ascontiguousarray(np.nan_to_num(pixels.flux[1]), dtype=np.float32)
    background = sep.Background(plane)
    found = sep.extract(plane - background.back(), 5.0, err=background.globalrms)
    radius, _ = sep.flux_radius(plane, found["x"], found["y"], 6 * found["a"], 0.5, subpix=5)
    magnitude = 22.5 - 2.5 * np.log10(np.maximum(found["flux"], 1e-3))
    bright = (magnitude > _FRAME_R[0]) & (magnitude < _FRAME_R[1]) & np.isfinite(radius)
    counts, edges = np.histogram(radius[bright], np.arange(0.5, 6, 0.1))
    usual = edges[counts.argmax()] + 0.05
    out = []
    for k in np.flatnonzero(bright & (np.abs(radius / usual - 1) < 0.1)):
        ra, dec = pixels.to_sky(float(found["x"][k]), float(found["y"][k]))
        try:
            out.append(observe(pixels, None, ra, dec))
        except GalexplorerError:  # which a user would be told
            continue
    return out


def _whole(observation: Observation) -> Observation:
    return observation


def _kind(task: Task) -> str:
    """Return the kind; galaxies whose scale was drawn are their own, for their size is none."""
    return "rescaled galaxy" if task.kind == "galaxy" and not scale_known(task) else task.kind


def _judge(engine: Engine, observations: Sequence[Observation]) -> list[tuple[Verdict, float]]:
    """Return verdicts, and the widths of the 68% intervals of redshift over 1 + z."""
    out: list[tuple[Verdict, float]] = []
    for begin in range(0, len(observations), _BATCH):
        part = list(observations[begin : begin + _BATCH])
        with torch.inference_mode():
            encoded = engine.encode(part)
            domains = domains_of(
                engine, part, encoded, misfits_of(engine, part, encoded, len(part))
            )
            z = engine.sample(encoded, _DRAWS, 0)[:, :, 0].double().numpy()
        nothing = np.full(len(part), np.nan)
        doubts = engine.doubts(encoded, nothing, np.stack([nothing, nothing], axis=1))
        low, middle, high = np.quantile(z, [0.16, 0.5, 0.84], axis=1)
        widths = (high - low) / (1 + middle)
        verdicts = engine.judge(part, domains)
        out += [
            (verdict.with_reasons(more), float(width))
            for verdict, more, width in zip(verdicts, doubts, widths, strict=True)
        ]
    return out


def _caught(judged: list[_Judged], kinds: tuple[str, ...]) -> dict:
    mine = [each for each in judged if each.kind in kinds]
    missed = [each.width for each in mine if each.level in (FINE, CAUTION)]
    usual = np.median([each.width for each in judged if each.kind == "galaxy"])
    number = max(len(mine), 1)
    levels = [each.level for each in mine]
    return {
        "number": len(mine),
        "caught": sum(level in (DO_NOT_USE, "refused") for level in levels) / number,
        "warned": sum(level != FINE for level in levels) / number,
        "refused": levels.count("refused") / number,
        "missed": len(missed),
        "missed_width": float(np.median(missed) / usual) if missed else None,
    }


def _alarms(judged: list[_Judged]) -> list[dict]:
    """Return how many galaxies each level took, in all, by magnitude, by size and by type."""
    galaxies = [each for each in judged if each.kind == "galaxy"]
    rows = [{"by": "all", "group": "all", **_levels(galaxies)}]
    for by, edges, values in (
        ("r", _R_EDGES, [each.r for each in galaxies]),
        ("R50", _SIZE_EDGES, [each.size_arcsec for each in galaxies]),
    ):
        place = np.digitize(np.nan_to_num(values, nan=-1), edges)
        for k in range(1, len(edges)):
            part = [each for each, at in zip(galaxies, place, strict=True) if at == k]
            if part:
                words = f"{edges[k - 1]:g} to {edges[k]:g}"
                rows.append({"by": by, "group": words, **_levels(part)})
    everything = [each for each in judged if each.kind in ("galaxy", "rescaled galaxy")]
    for group in sorted({each.group for each in everything}):
        part = [each for each in everything if each.group == group]
        rows.append({"by": "type", "group": group, **_levels(part)})
    return rows


def _levels(part: list[_Judged]) -> dict:
    levels = [each.level for each in part]
    number = max(len(part), 1)
    return {
        "number": len(part),
        DO_NOT_USE: levels.count(DO_NOT_USE) / number,
        "warned": sum(level != FINE for level in levels) / number,
    }


def _reliability(judged: list[_Judged]) -> dict:
    """Return the share of galaxies by stated probability, if `PRIOR_GALAXY` of all are galaxies."""
    known = [each for each in judged if np.isfinite(each.p_galaxy)]
    known = [each for each in known if each.kind in ("galaxy", *_NO_GALAXY)]
    galaxy = np.array([each.kind == "galaxy" for each in known])
    p = np.array([each.p_galaxy for each in known])
    weight = np.where(
        galaxy, PRIOR_GALAXY / max(galaxy.sum(), 1), (1 - PRIOR_GALAXY) / max((~galaxy).sum(), 1)
    )
    place = np.clip(np.digitize(p, _BINS) - 1, 0, len(_BINS) - 2)
    out: dict = {"probability": [], "share": [], "count": []}
    for k in range(len(_BINS) - 1):
        here = place == k
        if here.any():
            total = weight[here].sum()
            out["probability"].append(float((weight * p)[here].sum() / total))
            out["share"].append(float((weight * galaxy)[here].sum() / total))
            out["count"].append(int(here.sum()))
    return out
