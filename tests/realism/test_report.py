"""The population's report: one file, nothing from elsewhere, and it says what is lost."""

import html
import json
import re

import numpy as np
import pandas as pd
import pytest

from galexplorer.errors import OptionError
from galexplorer.population import package_tables, store
from galexplorer.realism import report


@pytest.fixture
def folder(population, rng, tmp_path, monkeypatch):
    """A folder with a population of 1,200 galaxies, and no real tables."""
    rows = pd.concat([population] * 20, ignore_index=True)
    for name in [c for c in rows if rows[c].dtype.kind == "f" and c not in ("ra", "dec")]:
        rows[name] = rows[name] * (1 + 0.005 * rng.standard_normal(len(rows)))
    rows["source"] = np.where(np.arange(len(rows)) % 2, "kcorrect", "shifted")
    rows["id"] = rows["parent"] = [f"g{k}" for k in range(len(rows))]
    rows["weight"], rows["bpt_class"] = 1.0, 0
    rows["abs_r"] = rows.r - 37.0
    rows["log_r50_kpc"] = 0.6 + 0.2 * rng.standard_normal(len(rows))
    rows["velocity_dispersion_drawn_kms"] = rng.uniform(70, 300, len(rows))
    rows["seed"] = 5
    rows.to_parquet(tmp_path / "population.parquet")
    fit = {"quantity": "log_sfr", "donors": 4200, "rms": 0.24}
    (tmp_path / "population-fits.json").write_text(json.dumps([fit]))
    monkeypatch.setenv("GALEXPLORER_DATA", str(tmp_path / "nowhere"))
    return tmp_path


def test_the_report_is_one_file_of_tables_and_figures(folder):
    path = report.write_report(folder, 5)
    text = path.read_text()
    assert text.count("<figure>") == text.count("data:image/png;base64,") == 8
    assert re.search(r"(src|href)=['\"]https?:", text) is None
    assert all(re.search(r"alt='[^']+", part) for part in text.split("<img ")[1:])
    assert "4200" in text
    assert html.escape(package_tables.LIMITATION) in text
    measured = json.loads((folder / "population.json").read_text())
    assert measured["galaxies"] == 1200
    assert "auc" not in measured


def test_fits_of_a_folder_without_records_are_none(tmp_path):
    assert store.read_fits(tmp_path) == []


def test_simulate_wants_a_size_or_a_report(tmp_path):
    from galexplorer.commands.training import simulate as command

    with pytest.raises(OptionError, match="--size"):
        command(out=tmp_path)
