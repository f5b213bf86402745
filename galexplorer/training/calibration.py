"""Make posteriors calibrated: fit each flow's base normal on validation rows, per kind of input.

Given its true parents, the base variable of a calibrated flow is standard normal. Its
median and its spread (the mean of what the 68% and the 95% interval ask for) on galaxies the
training never saw become the shift and the width of the base that draws come from.
"""

import logging

import numpy as np
import torch

from galexplorer.model.network import MODES, GalaxyModel
from galexplorer.schema import TARGET_NAMES
from galexplorer.training import dataset
from galexplorer.training.batches import Choice
from galexplorer.training.fit import Pools, noise_of

log = logging.getLogger(__name__)

_MIN_ROWS = 150

# as users come: a catalogue with gaps, or an image with its own photometry and now and then a
# catalogue's
_WITH_IMAGE = Choice(catalogue=0.3, nothing=0.0, band_dropout=0.0, petro=1.0)
_CHOICES = {"photometry": Choice(image=False), "fits": _WITH_IMAGE, "jpeg": _WITH_IMAGE}


@torch.no_grad()
def calibrate(model: GalaxyModel, pools: Pools, device: str, limit: int = 2000) -> dict:
    """Set the base's shift and width.

    Returns
    -------
    dict
        ``{mode: {target: {"rows", "shift", "width"}}}``; a mode with too few labels of a
        target takes the values of rendered galaxies.
    """
    report: dict = {}
    for mode in ("fits", "photometry", "jpeg"):
        index = MODES.index(mode)
        rows = pools.held_out[mode]
        report[mode] = {}
        if index != MODES.index("fits"):
            model.base_shift[index] = model.base_shift[MODES.index("fits")]
            model.base_width[index] = model.base_width[MODES.index("fits")]
        if len(rows) == 0:
            continue
        rng = np.random.default_rng(0)
        rows = rng.permutation(rows)[:limit]
        part = dataset.select(pools.rows, rows)
        noise = noise_of(model, part, mode, rng, device, _CHOICES[mode])["noise"].cpu().numpy()
        for k, name in enumerate(TARGET_NAMES):
            values = noise[np.isfinite(noise[:, k]), k]
            if len(values) < _MIN_ROWS:
                continue
            low, q16, median, q84, high = np.percentile(values, [2.5, 16, 50, 84, 97.5])
            width = 0.5 * ((q84 - q16) / 1.98892 + (high - low) / 3.91993)
            model.base_shift[index, k] = float(median)
            model.base_width[index, k] = float(width)
            report[mode][name] = {
                "rows": len(values),
                "shift": round(float(median), 3),
                "width": round(float(width), 3),
            }
        log.info("calibration, %s: %s", mode, report[mode])
    return report
