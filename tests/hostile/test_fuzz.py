"""A thousand damaged inputs in each run, and two hundred thousand in the long one."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import fuzz
import numpy as np
import pytest
import seeds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import OF_FITS, OF_TEXT, mutate
from streamlit.testing.v1 import AppTest

from galexplorer.catalogue import read_catalogue
from galexplorer.cli import main
from galexplorer.errors import GalexplorerError
from galexplorer.inference.prior import read_prior
from galexplorer.query.parse import names_galaxy, parse_target
from galexplorer.query.target_list import read_targets
from galexplorer.ui.session.link import from_query, to_query

ROOT = Path(__file__).resolve().parents[2]
CASES = 1_000
LONG = int(os.environ.get("GALEXPLORER_HOSTILE_CASES", 200_000))
UPLOADS, COMMANDS = 10, 12

quick = settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=60,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("surface", fuzz.SURFACES)
def test_a_result_or_one_of_our_errors(surface):
    number = fuzz.count_cases(CASES)[surface]
    faults = [
        f"{name} {k}: {outcome.words}"
        for name, k, outcome in fuzz.run({surface: number})
        if outcome.kind == "fault"
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.slow
def test_the_long_run():
    """In a process of its own: what ends a process is a finding too."""
    command = [sys.executable, str(ROOT / "tests" / "hostile" / "fuzz.py"), "--cases", str(LONG)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]


def test_a_case_is_the_same_for_good():
    for surface in ("table", "image", "query", "link"):
        seen = [fuzz.run_case(surface, 7) for _ in range(2)]
        assert (seen[0].kind, seen[0].words) == (seen[1].kind, seen[1].words)


NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-(2**70), 2**70)
CELLS = st.none() | NUMBERS | st.text(max_size=12)
NAMES = st.sampled_from(["id", "ra", "dec", "r", "g", "err_r", "redshift", "flux_u"]) | st.text(
    max_size=8
)


@quick
@given(st.text(max_size=60) | st.from_regex(r"[-+0-9hdms:. ,]{1,40}", fullmatch=True))
def test_any_query(text):
    names_galaxy([text])
    try:
        reading = parse_target(text)
    except GalexplorerError:
        return
    assert reading.kind in ("name", "position", "objid")
    if reading.ra is not None:
        assert 0 <= reading.ra < 360
        assert -90 <= reading.dec <= 90


@quick
@given(st.dictionaries(st.sampled_from(sorted({k for q in seeds.LINKS for k in q})), st.text()))
def test_any_link(query):
    view = from_query(query)
    assert from_query(to_query(view)).options == view.options


@quick
@given(st.lists(NAMES, min_size=1, max_size=6), st.lists(st.lists(CELLS, max_size=7), max_size=8))
def test_any_table(names, rows):
    lines = [",".join(names), *(",".join("" if c is None else str(c) for c in r) for r in rows)]
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    for read in (read_catalogue, read_targets, read_prior):
        with contextlib.suppress(GalexplorerError):
            read(content)


def test_through_the_command_line(tmp_path, capfd, monkeypatch):
    """Damaged files end with one line and the status 2, or with a result; no traceback."""
    monkeypatch.chdir(tmp_path)
    files = {**seeds.images(), **seeds.pictures(), **seeds.tables()}
    for k in range(COMMANDS):
        rng = np.random.default_rng([fuzz.SEED, 100, k])
        name = list(files)[rng.integers(len(files))]
        kinds = OF_FITS if name.endswith(".fits") else OF_TEXT
        (tmp_path / name).write_bytes(mutate(files[name], rng, kinds))
        given = (
            ["infer", "--catalog", name, "--out", "out.ecsv", "--draws", "100"]
            if name in seeds.tables()
            else ["infer", name, "--pixel-scale", "0.396", "--draws", "100"]
        )
        status = main(given)
        told = capfd.readouterr().err
        assert status in (0, 2), (k, told)
        assert "Traceback" not in told
        if status:
            assert told.splitlines()[-1].startswith("galexplorer: error: ")


def test_through_the_upload():
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    files = {**seeds.images(), **seeds.pictures()}
    for k in range(UPLOADS):
        rng = np.random.default_rng([fuzz.SEED, 101, k])
        name = list(files)[rng.integers(len(files))]
        kinds = OF_FITS if name.endswith(".fits") else OF_TEXT
        content = mutate(files[name], rng, kinds)
        at.file_uploader[0].set_value([(name, content, "application/fits")])
        at.run()
        assert not at.exception, (k, at.exception)
        asked = any(words.value.startswith(":material/help:") for words in at.markdown)
        assert at.error or at.header or asked, k
