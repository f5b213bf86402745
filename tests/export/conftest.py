import numpy as np
import pytest

from galexplorer.records.photometry import Photometry
from galexplorer.records.posterior import Posterior
from galexplorer.records.result import Domain, Neighbour, Result, View


@pytest.fixture
def result(rng) -> Result:
    """A result with a value in every field that is exported."""
    draws = rng.normal(1.0, 0.1, size=(200, 9)).astype(np.float32)
    draws[:, 0] = 0.0197
    neighbour = Neighbour(
        "J162.1842+26.0537", 162.1842, 26.0537, 0.4, {"redshift": 0.0258}, "SDSS",
        np.zeros((64, 64, 3), np.uint8),
    )  # fmt: skip
    square = rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)
    view = View(square, square[::-1].copy(), 1.188, square, 1.188, 12.0, 30.0, False, 162.1, -26.0)
    return Result(
        posterior=Posterior(draws, ("redshift",)),
        bpt={"star_forming": 0.7, "composite": 0.2, "seyfert": 0.06, "liner": 0.04},
        photometry=Photometry("measured", {"g": 15.1, "r": 14.5}, {}, 8.0, None),
        domain=Domain(True, 42.0, ()),
        neighbours=(neighbour,),
        view=view,
        notes=("Pixel scale 1.188″ read from the WCS.",),
        provenance={
            "weights_sha256": "ab" * 32,
            "verdict_sha256": "cd" * 32,
            "seed": 7,
            "draws": np.int64(200),
            "redshift_range": (0.0, 0.1),
            "photometry": {"kind": "measured", "bands": ["g", "r"]},
        },
        known={"redshift": 0.0197, "log_flux_halpha": 1.02},
        origins={"photometry": "SDSS DR17 model magnitudes", "pixels": "frames"},
    )
