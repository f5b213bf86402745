"""The bench of the verdict: what it catches, what it takes galaxies for, what its scores are worth.

Everything is held out: rows of magnitudes and images of the test split, by whole square degrees,
and what is made from them. Nothing here chooses a threshold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from galexplorer.datasets.shards import TEST
from galexplorer.evaluation.frame import stars_of_frame
from galexplorer.inference.engine import Engine
from galexplorer.records.observation import Observation
from galexplorer.records.photometry import Photometry
from galexplorer.records.verdict import CAUTION, DO_NOT_USE, FINE
from galexplorer.runs.even_batches import domains_of, misfits_of
from galexplorer.schema import BANDS
from galexplorer.screening.images import CLASS_OF, Task, list_tasks, make_images, scale_known
from galexplorer.screening.tables import (
    SHREDDED,
    VEGA_MINUS_AB_MAG,
    Stock,
    held_out,
    read_screening_rows,
    stock_of,
)
from galexplorer.verdict.classifiers import DOUBTS_OF_LINEAR, PRIOR_GALAXY
from galexplorer.verdict.judgement import LIMITS, score_galaxies

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
    "Seeing twice SDSS's": (IMAGE, ("psf_wide",), 0.90),
    "Seeing half of SDSS's": (IMAGE, ("psf_narrow",), 0.90),
    "Pixel scale wrong by 2, linear": (IMAGE, ("scale_2 linear", "scale_half linear"), 0.90),
    "Cut off by an edge, linear": (IMAGE, ("cut_off linear",), 0.90),
    "Seeing half or twice SDSS's, linear": (IMAGE, ("psf_wide linear", "psf_narrow linear"), 0.90),
}
"""What is to be caught: by which input, kinds of the bench, and the share aimed at."""

_NO_GALAXY = ("star", "real star", "saturated_star", "bad sky", "empty centre", "noise", "glow",
              "trail", "drawing", "quasar")  # fmt: skip
_BATCH = 64
_DRAWS = 200
_ROWS = 600
_R_EDGES = (0.0, 14.0, 15.0, 16.0, 17.0, 17.77, 18.9)
_SIZE_EDGES = (0.0, 2.0, 3.0, 5.0, 10.0, 1000.0)
_EARLY_UR = 2.22  # Strateva et al. 2001, astro-ph/0107201
_DWARF_REDSHIFT = 0.01
_BINS = np.array([0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 1.0])


@dataclass(frozen=True)
class _Judged:
    """What became of one thing; level "refused" where nothing could be measured.

    `width` is that of the 68% interval of redshift over 1 + z, `held` whether the 95% interval
    holds the true one, None where that is unknown; `score` the classifier's of being no galaxy.
    """

    kind: str
    level: str
    p_galaxy: float = np.nan
    width: float = np.nan
    r: float = np.nan
    size_arcsec: float = np.nan
    group: str = ""
    held: bool | None = None
    score: float = np.inf


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
        IMAGE: _judge_images(engine, data, stock_of(rows, TEST), workers, seed),
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
    return [
        replace(found, kind=kind, group=group, size_arcsec=size)
        for found, kind, group, size in zip(
            _judge(engine, observations, table.redshift.tolist()),
            table.kind, table.group, table.r50, strict=True,
        )
    ]  # fmt: skip


def _at_most(part: pd.DataFrame, seed: int) -> pd.DataFrame:
    return part.sample(min(len(part), _ROWS), random_state=seed)


def _judge_images(
    engine: Engine, data: Path, stock: Stock, workers: int, seed: int
) -> list[_Judged]:
    judged: list[_Judged] = []
    pending: list[tuple[Task, Observation]] = []

    def settle() -> None:
        truths = [task.redshift for task, _ in pending]
        found = _judge(engine, [observation for _, observation in pending], truths)
        judged.extend(
            replace(each, kind=_kind(task), group=task.group)
            for (task, _), each in zip(pending, found, strict=True)
        )
        pending.clear()

    tasks = list_tasks(data, (TEST,), seed)
    for task, observation in make_images(tasks, stock, _whole, workers, "images to judge"):
        if observation is None:
            judged.append(_Judged(_kind(task), "refused", group=task.group))
            continue
        pending.append((task, observation))
        if len(pending) == _BATCH:
            settle()
    settle()
    stars = stars_of_frame(data)
    return judged + [
        replace(each, kind="real star", group="SDSS frame")
        for each in _judge(engine, stars, [np.nan] * len(stars))
    ]


def _whole(observation: Observation) -> Observation:
    return observation


def _kind(task: Task) -> str:
    """Return the kind; galaxies whose scale was drawn are their own, for their size is none."""
    if task.kind == "galaxy" and not scale_known(task):
        return "rescaled galaxy"
    return (
        f"{task.kind} linear"
        if task.linear and CLASS_OF[task.kind] in DOUBTS_OF_LINEAR
        else (task.kind)
    )


def _judge(
    engine: Engine, observations: Sequence[Observation], truths: Sequence[float]
) -> list[_Judged]:
    """Return what becomes of observations of given redshifts, NaN where unknown."""
    out: list[_Judged] = []
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
        ends = np.quantile(z, [0.025, 0.16, 0.5, 0.84, 0.975], axis=1).T
        scores = [np.inf] * len(part)
        if engine.screens is not None:
            scores = score_galaxies(engine.screens, part).tolist()
        for k, verdict in enumerate(engine.judge(part, domains)):
            whole = verdict.with_reasons(doubts[k])
            photometry, true = part[k].photometry, truths[begin + k]
            out.append(
                _Judged(
                    "",
                    whole.level,
                    whole.p_galaxy,
                    width=float((ends[k, 3] - ends[k, 1]) / (1 + ends[k, 2])),
                    r=photometry.magnitudes.get("r", np.nan),
                    size_arcsec=photometry.petro_r50 or np.nan,
                    held=bool(ends[k, 0] <= true <= ends[k, 4]) if np.isfinite(true) else None,
                    score=scores[k],
                )
            )
    return out


def _caught(judged: list[_Judged], kinds: tuple[str, ...]) -> dict:
    mine = [each for each in judged if each.kind in kinds]
    missed = [each for each in mine if each.level in (FINE, CAUTION)]
    galaxies = [each for each in judged if each.kind == "galaxy"]
    usual = np.median([each.width for each in galaxies])
    known = [each.held for each in missed if each.held is not None]
    number = max(len(mine), 1)
    levels = [each.level for each in mine]
    return {
        "number": len(mine),
        "caught": sum(level in (DO_NOT_USE, "refused") for level in levels) / number,
        "warned": sum(level != FINE for level in levels) / number,
        "refused": levels.count("refused") / number,
        "missed": len(missed),
        "missed_width": float(np.median([m.width for m in missed]) / usual) if missed else None,
        "missed_held": float(np.mean(known)) if known else None,
        **_separable([g.score for g in galaxies], [each.score for each in mine]),
    }


def _separable(galaxies: list[float], others: list[float]) -> dict:
    """Return the area below the ROC curve of a score, and what it finds at 1% false alarms."""
    if not (galaxies and others):
        return {"auc": None, "at_rate": None}
    ordered, found = np.sort(galaxies), np.array(others)
    below = np.searchsorted(ordered, found, "left") + np.searchsorted(ordered, found, "right")
    limit = np.quantile(ordered, 1 - LIMITS[DO_NOT_USE])
    return {
        "auc": float(below.mean() / (2 * len(ordered))),
        "at_rate": float((found > limit).mean()),
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
