"""A list of targets as text, which is read back as the same list."""

from dataclasses import replace

import pytest

from galexplorer.query.target_list import Target, read_targets
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
    "redshifts that no line holds": "name,redshift\nM 31,-0.001\nM 1,0\nM 2,7.5\nM 3,0.02\n",
    "a name with a comma and a number": 'name,redshift\n"NGC 1, 0.02",\nNGC 2,0.03\n',
    "a name that begins as a remark": 'name\n"#1"\nNGC 2\n',
    "names of several lines": 'name,redshift\n"a\nb",0.02\n"c\rd",\n"e\u2028f",\n',
    "a first name that is a header's": "name,redshift\nid,\nNGC 1,0.02\n",
    "a name that is a count of rows": 'name,redshift\n"(5 rows)",\nNGC 2,0.02\n',
    "a row that states nothing": "name,ra,dec\nNGC 1,1.5,+20\n,,\n",
    "cells that text could take for something else": 'id,g,r,redshift\n"#1, x",17,16.5,none so\n'
    '"a ""b""",17,16.5,0.05\n',
}


def test_lines_come_back_as_they_were():
    assert spell_targets(read_targets(LINES.encode()).targets) == LINES


@pytest.mark.parametrize("name", ["id", "name", "objid", "#1", "| a", "NGC 1; z=0.02", "a\nb"])
def test_a_name_that_would_be_no_line_comes_back(name):
    targets = (Target(name, name), Target("NGC 1", "NGC 1"))
    assert read_targets(spell_targets(targets).encode()).targets == targets
    assert read_targets(spell_targets(targets[::-1]).encode()).targets == targets[::-1]


def test_lines_stay_lines_where_they_can():
    targets = read_targets(b"name,redshift\nid 1,\nNGC 1,0.02\n").targets
    assert spell_targets(targets) == "id 1\nNGC 1, 0.02"


def test_notes_on_cells_do_not_come_back():
    targets = read_targets(b"id,g,r\nA,17,none so\n").targets
    assert targets[0].notes
    again = read_targets(spell_targets(targets).encode()).targets
    assert again == (replace(targets[0], notes=()),)


@pytest.mark.parametrize("what", TABLES)
def test_tables_come_back_as_tables(what):
    targets = read_targets(TABLES[what].encode()).targets
    again = read_targets(spell_targets(targets).encode()).targets
    assert repr(again) == repr(targets)  # a NaN equals nothing
