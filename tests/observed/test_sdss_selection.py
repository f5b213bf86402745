"""Which galaxies are taken, and which answers are believed."""

import itertools

import numpy as np
import pytest

from galexplorer.errors import DataError
from galexplorer.observed import sdss_selection
from galexplorer.observed.sdss_selection import PRIME, Rank, _paginate, select
from galexplorer.sky.http import ServiceError


def test_ranks_agree_with_exact_arithmetic_and_fill_their_range():
    rank = Rank.of_seed(3)
    objid = 1237650000000000000 + np.arange(40_000, dtype=np.int64) * 65_537
    found = rank.of(objid)
    for number in objid[:50].tolist():
        exact = (rank.square * number**2 + rank.linear * number + rank.constant) % PRIME
        assert rank.of(np.array([number]))[0] == exact
    share = np.histogram(found, 20, (0, PRIME))[0] / len(found)
    np.testing.assert_allclose(share, 0.05, atol=0.006)
    assert abs(np.corrcoef(found[1:], found[:-1])[0, 1]) < 0.02


def test_the_whole_sample_is_had_and_nothing_else(services, settings, tmp_path):
    rows = select(30, 0, tmp_path, settings)
    truth = {galaxy.objid: galaxy for galaxy in services.survey.galaxies}
    assert set(rows.objID) == set(truth)
    assert services.counts["skyserver"] == 2
    for row in rows.itertuples():
        galaxy = truth[row.objID]
        assert row.z == galaxy.redshift
        assert row.specObjID == galaxy.spec
        assert row.modelMag_r == pytest.approx(galaxy.magnitude + 0.1)
        lines = galaxy.values["h_alpha_flux"]
        assert row.h_alpha_flux == (
            pytest.approx(lines) if lines else pytest.approx(np.nan, nan_ok=True)
        )
    order = list(zip(rows.run, rows.camcol, rows.field, rows.objID, strict=True))
    assert order == sorted(order)


def test_a_larger_set_holds_a_smaller_one(services, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(sdss_selection, "PAGE_ROWS", 5)
    small = select(10, 0, tmp_path / "small", settings)
    large = select(25, 0, tmp_path / "large", settings)
    other = select(10, 1, tmp_path / "other", settings)
    assert len(small) == 10
    assert set(small.objID) < set(large.objID)
    assert set(small.objID) != set(other.objID)
    rank = Rank.of_seed(0)
    everything = rank.of(np.array([galaxy.objid for galaxy in services.survey.galaxies]))
    assert sorted(rank.of(small.objID.to_numpy())) == sorted(everything)[:10]


def test_pages_that_are_there_are_not_asked_for_again(services, settings, tmp_path):
    first = select(20, 0, tmp_path, settings)
    asked = services.counts["skyserver"]
    assert select(20, 0, tmp_path, settings).equals(first)
    assert services.counts["skyserver"] == asked


def test_more_ranks_are_asked_for_when_the_first_do_not_suffice(
    services, settings, tmp_path, monkeypatch
):
    wanted = select(20, 0, tmp_path / "a", settings)
    monkeypatch.setattr(sdss_selection, "_reach", lambda size, total: PRIME // 10)
    assert select(20, 0, tmp_path / "b", settings).equals(wanted)


def test_too_large_a_set_is_refused(services, settings, tmp_path):
    with pytest.raises(DataError, match="has 30 matching galaxies, not 31"):
        select(31, 0, tmp_path, settings)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "\n".join([*text.split("\n")[:-3], ""]),  # without its last two rows
        lambda text: text.replace("GALAXY", "").replace("objID", "objid2", 1),
        lambda text: "\n".join(text.split("\n")[:2]) + "\n",  # without rows
        lambda text: "<html><head>\n<title>Busy</title></head>\n</html>\n",
        lambda text: text.replace("0.396", "x").replace("1237", "1238", 3),
    ],
    ids=["cut short", "another column", "empty", "a page", "another galaxy"],
)
def test_a_wrong_page_is_never_believed(services, settings, tmp_path, monkeypatch, spoil):
    whole = type(services.survey).sql
    asked = []

    def answer(survey, sql):
        asked.append(sql)
        text = whole(survey, sql).decode()
        return (spoil(text) if len(asked) == 2 else text).encode()

    monkeypatch.setattr(type(services.survey), "sql", answer)
    assert len(select(30, 0, tmp_path, settings)) == 30
    assert len(asked) == 3


def test_a_service_that_is_down_is_named(services, settings, tmp_path):
    services.down = {"skyserver"}
    with pytest.raises(ServiceError, match="SkyServer is unavailable"):
        select(5, 0, tmp_path, settings)
    assert not list(tmp_path.iterdir())


def test_plates_are_joined_to_pages(services, settings, tmp_path):
    counts = sdss_selection._count(settings)
    counts["galaxies"] = 3000
    pages = _paginate(counts, 0, PRIME // 2)
    assert pages[0].first == counts.plate.min()
    assert pages[-1].last == counts.plate.max()
    for before, after in itertools.pairwise(pages):
        assert before.last < after.first
        held = counts.plate.between(before.first, before.last).sum() * 1500
        assert held <= sdss_selection.PAGE_ROWS + 1500
