"""The test run checks the shapes of arrays where they cross from one room to another."""

import os
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from galexplorer.datasets.shards import splits_of
from galexplorer.export.latex import latex_interval
from galexplorer.figures.density import density_curve
from galexplorer.image.composite import composite
from galexplorer.model.features import expand_gri_to_ugriz
from galexplorer.records.posterior import Posterior
from galexplorer.science.bpt import class_probabilities
from galexplorer.verdict.domain import distance_inputs

WRONG: dict[str, Callable[[], object]] = {
    "records: eight targets": lambda: Posterior(np.zeros((5, 8), np.float32)),
    "records: whole numbers": lambda: Posterior(np.zeros((5, 9), int)),
    "image: two bands": lambda: composite(np.zeros((2, 8, 8)), 0.396),
    "model: five bands": lambda: expand_gri_to_ugriz(np.zeros((4, 5))),
    "science: eight targets": lambda: class_probabilities(np.zeros((5, 8))),
    "verdict: unequal rows": lambda: distance_inputs(torch.zeros(3, 32), torch.zeros(2, 5), "jpeg"),
    "figures: two axes": lambda: density_curve(np.zeros((5, 9))),
    "export: two axes": lambda: latex_interval(np.zeros((5, 9))),
    "datasets: unequal rows": lambda: splits_of(np.zeros(3), np.zeros(2), np.zeros(3)),
}


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_a_wrong_shape_is_an_error(call):
    with pytest.raises(TypeCheckError):
        call()


def test_nothing_is_checked_outside_the_tests():
    code = (
        "import sys, numpy as np; from galexplorer.records.posterior import Posterior; "
        "Posterior(np.zeros((5, 8))); print('beartype' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert run.stdout.split() == ["False"]
