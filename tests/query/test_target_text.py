"""A list of targets as text, which is read back as the same list."""

import pytest

from galexplorer.query.target_list import read_targets
from galexplorer.query.target_text import spell_targets

LINES = "NGC 5332\n162.18416 +26.05369\nSDSS J104844.20+260313.2, 0.0258\n1237667442439127142"
TABLES = {
    "magnitudes": "id,u,g,r,i,z,redshift,err_r,petro_r50,petro_r90\n"
    "A,18.9,17.4,16.8,16.4,16.2,,0.02,2.1,5.5\nC,,,,,,,,,\n",
    "names beside positions": "name,ra,dec\nNGC 1,1.5,+20\n,2.5,-1.25\nX,10:99:00,+20:00:00\n"
    "B,10 48 44.2,-26 03 13\nY,,\n",
    "known redshifts": "name,ra,dec,known_redshift\nNGC 1,1.5,+20,0.0152\nNGC 2,2.5,+20,\n",
    "known redshifts of names": "name,known_redshift\nNGC 1,0.0152\nNGC 2,\n",
    "priors": "name,redshift_min,redshift_max,redshift_prior_mean,redshift_prior_sigma\n"
    "a,0.1,,,\nb,,,0.1,0.02\n",
    "cells that text could take for something else": 'id,g,r,redshift\n"#1, x",17,16.5,none so\n'
    '"a ""b""",17,16.5,0.05\n',
}


def test_lines_come_back_as_they_were():
    assert spell_targets(read_targets(LINES.encode()).targets) == LINES


@pytest.mark.parametrize("what", TABLES)
def test_tables_come_back_as_tables(what):
    targets = read_targets(TABLES[what].encode()).targets
    again = read_targets(spell_targets(targets).encode()).targets
    assert repr(again) == repr(targets)  # a NaN equals nothing
