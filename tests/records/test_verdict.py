"""Verdicts: the worst reason decides."""

import math

from galexplorer.records.verdict import (
    CAUTION,
    CODES,
    DO_NOT_USE,
    FINE,
    NO_GALAXY,
    Verdict,
    reason,
)


def test_nothing_the_matter_is_fine():
    assert Verdict().level == FINE
    assert Verdict().usable
    assert Verdict().codes == ()
    assert math.isnan(Verdict().p_galaxy)


def test_the_worst_reason_decides_and_comes_first():
    verdict = Verdict((reason("blended", CAUTION),), 0.9)
    assert verdict.usable
    worse = verdict.with_reasons((reason("star", DO_NOT_USE), reason("blended", CAUTION, "again")))
    assert worse.level == DO_NOT_USE
    assert not worse.usable
    assert worse.codes == ("star", "blended")
    assert [each.code for each in worse.worst] == ["star"]
    assert worse.p_galaxy == 0.9
    assert "again" not in worse.reasons[1].what  # the first of equals stays


def test_one_reason_counts_at_its_worst():
    verdict = Verdict().with_reasons((reason("scale", CAUTION), reason("scale", DO_NOT_USE)))
    assert [each.level for each in verdict.reasons] == [DO_NOT_USE]


def test_every_reason_says_what_it_is_and_what_to_do():
    for code in CODES:
        each = reason(code, CAUTION)
        assert each.what.endswith(".")
        assert each.advice.endswith(".")
    assert set(NO_GALAXY) <= set(CODES)
