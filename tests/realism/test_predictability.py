"""Measures of the population, on galaxies whose answer is known."""

import numpy as np
import pandas as pd
import pytest

from galexplorer.realism import predictability


def galaxies(number: int, seed: int, scatter: float) -> pd.DataFrame:
    """Galaxies whose mass follows their colour and magnitude with some scatter."""
    random = np.random.default_rng(seed)
    colour = random.normal(0.7, 0.2, number)
    r = random.uniform(15.5, 17.5, number)
    rows = pd.DataFrame({"r": r, "g": r + colour, "u": r + 2.4 * colour, "i": r - 0.5 * colour})
    rows["z"] = r - 0.8 * colour
    rows["redshift"] = random.uniform(0.03, 0.1, number)
    rows["log_stellar_mass"] = (
        10 + 2 * colour - 0.4 * (r - 16) + scatter * random.normal(size=number)
    )
    rows["petro_r50_true"] = 10 ** random.normal(0.4, 0.1, number)
    rows["petro_r90_true"] = 2.5 * rows.petro_r50_true
    rows["parent"] = [f"{seed}-{k}" for k in range(number)]
    return rows


def test_explained_variance_is_that_of_the_scatter():
    """Signal of 0.46 dex rms and scatter of 0.3: an R2 of at most 0.71."""
    rows = galaxies(3000, 1, 0.3)
    best = 1 - 0.3**2 / rows.log_stellar_mass.var()
    found, error, left = predictability.cross_validated_r2(rows, list("ugriz"), "log_stellar_mass")
    assert best - 0.06 < found < best + 0.02
    assert 0.003 < error < 0.03
    assert left == pytest.approx(0.3, rel=0.12)


def test_an_easier_population_shows():
    real, population = galaxies(1500, 2, 0.3), galaxies(4000, 3, 0.15)
    near, sample = predictability.match_rows(real, population, "log_stellar_mass")
    assert len(near) == len(sample) > 1000
    easier = predictability.cross_validated_r2(sample, list("ugriz"), "log_stellar_mass")[0]
    assert (
        easier
        > predictability.cross_validated_r2(real, list("ugriz"), "log_stellar_mass")[0] + 0.05
    )


def test_matched_rows_are_near_and_taken_once():
    real, population = galaxies(500, 4, 0.3), galaxies(5000, 5, 0.3)
    population["r"] = np.where(np.arange(5000) < 2500, population.r, population.r + 3)
    near, sample = predictability.match_rows(real, population, "log_stellar_mass")
    assert not sample.index.duplicated().any()
    assert not near.index.duplicated().any()
    assert np.abs(near.r.to_numpy() - sample.r.to_numpy()).max() < 0.4
    assert sample.r.max() < 18.5


def test_sizes_help_where_they_carry_information():
    rows = galaxies(2500, 6, 0.2)
    rows["log_stellar_mass"] += 4 * (np.log10(rows.petro_r50_true) - 0.4)
    plain, *_ = predictability.cross_validated_r2(rows, list("ugriz"), "log_stellar_mass")
    columns = [*"ugriz", "petro_r50_true", "petro_r90_true"]
    assert predictability.cross_validated_r2(rows, columns, "log_stellar_mass")[0] > plain + 0.15


def test_a_different_population_is_told_and_weights_mend_it():
    main = galaxies(1200, 7, 0.2).assign(source="main_sample", weight=1.0)
    other = galaxies(3000, 8, 0.2).assign(source="resolve", weight=1.0)
    other["redshift"] = np.random.default_rng(9).uniform(0.0, 0.1, 3000)
    rows = pd.concat([main, other], ignore_index=True)
    rows["id"] = rows.parent
    auc = predictability.classifier_auc(rows)
    assert auc["unweighted"] > 0.55
    assert auc["unrelated"] < auc["unweighted"]
    assert auc["unrelated"] < 0.56


def test_the_comparison_tells_an_easier_completion_from_a_fair_one():
    real = galaxies(900, 10, 0.3).assign(source="structure", redshift_measured=True)
    fair = galaxies(2500, 11, 0.3).assign(source="resolve", redshift_measured=True)
    easy = galaxies(2500, 11, 0.1).assign(source="resolve", redshift_measured=True)
    found = {}
    for name, part in (("fair", fair), ("easy", easy)):
        rows = pd.concat([real, part], ignore_index=True)
        rows["id"] = rows.parent
        rows["log_stellar_mass_measured"] = rows.source == "structure"
        rows[["log_stellar_mass_valid", "redshift_valid"]] = True
        table = predictability.compare(rows).set_index("target")
        found[name] = table.loc["log_stellar_mass"]
    assert found["fair"].elsewhere_rows == 0  # no other table has measured the mass
    assert abs(found["fair"].independent - found["fair"].real) < 0.05
    assert found["easy"].independent > found["easy"].real + 0.1
    assert found["easy"].independent_rms < 0.6 * found["easy"].real_rms


def test_two_real_tables_are_compared_with_each_other():
    real = galaxies(900, 12, 0.3).assign(source="structure")
    other = galaxies(1500, 13, 0.3).assign(source="resolve")
    moved = galaxies(1500, 14, 0.1).assign(source="shifted")
    rows = pd.concat([real, other, moved], ignore_index=True)
    rows["id"] = rows.parent
    for name in ("log_stellar_mass", "redshift"):
        rows[f"{name}_measured"] = rows.source != "shifted"
        rows[f"{name}_valid"] = True
    found = predictability.compare(rows).set_index("target").loc["log_stellar_mass"]
    assert found.elsewhere_rows > 400
    assert abs(found.elsewhere - found.real) < 0.06
    assert found.population > found.real + 0.02  # the easier copies are among those
