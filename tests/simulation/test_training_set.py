"""The rendered set: the same whatever the workers, resumable, extendable."""

import numpy as np
import pytest

from galexplorer.datasets import shards
from galexplorer.errors import DataError
from galexplorer.population.store import load_population
from galexplorer.schema import LINE_NAMES, TARGET_NAMES
from galexplorer.simulation.training_set import follow_light, labels_of, simulate, table_rows


@pytest.fixture
def folder(population, tmp_path, monkeypatch):
    """Make a folder that holds the population, so that it need not be built."""
    monkeypatch.setattr("galexplorer.simulation.training_set.SHARD_SIZE", 3)
    monkeypatch.setenv("GALEXPLORER_DATA", str(tmp_path / "no data"))

    def make(name: str):
        out = tmp_path / name
        out.mkdir()
        population.to_parquet(out / "population.parquet")
        return out

    return make


def shard_bytes(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("shard-*"))}


def test_neither_workers_nor_interruptions_change_the_set(folder):
    one, two = folder("one"), folder("two")
    manifest = simulate(6, 5, one, workers=1)
    assert manifest["kind"] == "rendered"
    simulate(6, 5, two, workers=2)
    whole = shard_bytes(one)
    assert len(whole) == 2
    assert shard_bytes(two) == whole
    (two / "shard-00000.safetensors").unlink()
    simulate(6, 5, two, workers=1)
    assert shard_bytes(two) == whole
    arrays, read = shards.read(two)
    assert len(arrays["split"]) == 6
    assert read["size"] == 6
    assert read["shards"] == shards.read(one)[1]["shards"]
    assert arrays["has_image"].sum() >= 4
    assert (arrays["grid"][arrays["has_image"] == 1].max(axis=(1, 2, 3)) > 20).all()


def test_a_longer_run_extends_a_shorter_one(folder):
    short, long = folder("short"), folder("long")
    simulate(4, 5, short, workers=1)
    before = shards.read(short)[0]
    simulate(6, 5, short, workers=1)
    simulate(6, 5, long, workers=1)
    assert shard_bytes(short) == shard_bytes(long)
    after = shards.read(short)[0]
    for name, values in before.items():
        np.testing.assert_array_equal(after[name][:4], values)


def test_without_real_images_all_is_rendered_and_said(folder, caplog):
    out = folder("one")
    manifest = simulate(3, 5, out, workers=1, transplants=0.7)
    assert manifest["transplants"] == 0
    assert manifest["kinds"] == {"rendered": 3, "transplant": 0}
    assert "every galaxy is rendered" in caplog.text
    assert (shards.kinds_of(out / "shard-00000.safetensors") == shards.RENDERED).all()
    assert (shards.read(out)[0]["kind"] == shards.RENDERED).all()
    begun = out / "transplants"
    share, recipe = begun.read_text().split()
    for other in (f"0.7 {recipe}\n", f"{share} {int(recipe) - 1}\n", f"{share}\n"):
        begun.write_text(other)
        with pytest.raises(DataError, match="choose another folder"):
            simulate(3, 5, out, workers=1)


def test_another_seed_needs_another_folder(folder):
    with pytest.raises(DataError, match="another seed"):
        simulate(3, 6, folder("one"), workers=1)


def test_labels_tell_measured_from_completed_drawn_and_absent(population):
    population.loc[0, "log_sfr_measured"] = False
    population.loc[1, "gas_metallicity_valid"] = False
    population.loc[2, "log_flux_hbeta_snr"] = 1.0
    population.loc[3, "log_bh_mass"] = np.nan
    targets, label = labels_of(population)
    assert label[0, TARGET_NAMES.index("log_sfr")] == 2
    assert label[1, TARGET_NAMES.index("gas_metallicity")] == 0
    assert np.isfinite(targets[1, TARGET_NAMES.index("gas_metallicity")])
    assert label[2, TARGET_NAMES.index("log_flux_hbeta")] == 3
    assert label[3, TARGET_NAMES.index("log_bh_mass")] == 0
    assert np.bincount(label.ravel(), minlength=4).tolist() == [2, 536, 1, 1]


def test_the_population_itself_is_rows_without_images(population, folder):
    rows = load_population(folder("one"), 5)
    arrays = table_rows(rows)
    assert not arrays["has_image"].any()
    np.testing.assert_allclose(arrays["catalogue_mag"], population[list("ugriz")], rtol=1e-6)
    # sizes that were completed are no photometry
    assert np.isnan(arrays["catalogue_petro"][:10]).all()
    assert np.isfinite(arrays["catalogue_petro"][10:]).all()
    for k in (0, 20):
        assert arrays["split"][k] == shards.split_of(population.ra[k], population.dec[k])


def test_lines_follow_the_light_of_the_image_and_no_more():
    """With twice the light that others of its kind have in the fibre, lines are twice as strong."""
    arrays = shards.empty(9)
    arrays["kind"][:] = np.repeat([shards.RENDERED, shards.TRANSPLANT, shards.RENDERED], [4, 4, 1])
    arrays["catalogue_mag"][:] = 17.0
    arrays["catalogue_petro"][:] = (3.0, 7.0)
    arrays["fibre_mag"][:] = 18.5
    arrays["fibre_mag"][0] -= 2.5 * np.log10(2)
    arrays["targets"][:] = 1.5
    arrays["line_snr"][:] = 10.0
    arrays["fibre_mag"][8] = np.nan
    follow_light(arrays, np.arange(9))
    lines = [TARGET_NAMES.index(name) for name in LINE_NAMES]
    np.testing.assert_allclose(arrays["targets"][0, lines], 1.5 + np.log10(2), atol=1e-5)
    np.testing.assert_allclose(arrays["line_snr"][0], 20.0, rtol=1e-5)
    np.testing.assert_allclose(arrays["targets"][1:], 1.5, atol=1e-6)
    assert (np.delete(arrays["targets"][0], lines) == 1.5).all()
