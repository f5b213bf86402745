"""Names that follow from positions."""

import numpy as np
from astropy.coordinates import SkyCoord

from galexplorer.query.names import iau_names


def test_names_are_those_of_astropy(rng):
    ra, dec = rng.uniform(0, 360, 3000), np.degrees(np.arcsin(rng.uniform(-1, 1, 3000)))
    ra[:3], dec[:3] = (0.0, 359.99999, 15.0), (-1e-7, 89.9999999, -30.0)
    sky = SkyCoord(ra, dec, unit="deg")
    hours = sky.ra.to_string(unit="hourangle", sep="", precision=3, pad=True)
    degrees = sky.dec.to_string(sep="", precision=2, pad=True, alwayssign=True)
    expected = [f"J{h[:-1]}{d[:-1]}" for h, d in zip(hours, degrees, strict=True)]
    assert iau_names(ra, dec) == expected
