"""A library from images: what is kept, what is refused, and that files change together."""

import shutil

import numpy as np
import pytest
from PIL import Image

from galexplorer.cli import main
from galexplorer.errors import DataError, InputError, WeightsError
from galexplorer.inference import latent_map, library
from galexplorer.inference.engine import Engine
from galexplorer.inference.library import Entries, build_library, join, read_table, write
from galexplorer.inference.neighbours import LIBRARY_FILE
from galexplorer.records.result import EMPTY_LIBRARY
from galexplorer.schema import TARGET_NAMES


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(latent_map, "STEPS", 5)
    monkeypatch.setattr(library, "DRAWS", 120)


@pytest.fixture
def weights(random_weights, tmp_path):
    return shutil.copytree(random_weights, tmp_path / "weights")


@pytest.fixture
def entries(rng) -> Entries:
    size = 20
    known = np.full((size, 10), np.nan)
    known[:12, 0] = np.linspace(0.02, 0.1, 12)
    known[:, 9] = 17.0
    return Entries(
        grid=rng.integers(0, 200, (size, 3, 64, 64)).astype(np.uint8),
        pixel_scale=np.full(size, 0.5, np.float32),
        origin=np.full(size, 2, np.uint8),
        magnitudes=17 + rng.normal(size=(size, 3)),
        errors=np.full((size, 3), 0.02),
        petro=np.where(np.arange(size)[:, None] < 18, [3.0, 8.0], np.nan),
        position=np.column_stack([np.linspace(10, 200, size), np.linspace(-3, 50, size)]),
        known=known,
    )


@pytest.fixture
def pictures(tmp_path, rng) -> list[str]:
    """Real-looking JPEGs of discs."""
    y, x = np.mgrid[:120, :120] - 59.5
    names = []
    for k in range(18):
        light = 190 * np.exp(-np.hypot(x, (1 + 0.05 * k) * y) / (5 + 0.4 * k))
        levels = light[:, :, None] * [1.0, 0.8, 0.55] + rng.normal(6, 2, (120, 120, 3))
        name = f"galaxy{k}.jpg"
        Image.fromarray(levels.clip(0, 255).astype(np.uint8)).save(tmp_path / name, quality=95)
        names.append(name)
    return names


def test_what_is_kept_is_what_the_engine_found(weights, entries):
    engine = Engine.load(weights, "cpu")
    write(weights, build_library(engine, entries), "a test")
    kept = Engine.load(weights, "cpu").library
    assert kept.source == "a test"
    assert kept.published.tolist() == [True] * 12 + [False] * 8
    observed = kept.observe(3)
    draws = engine.infer(observed, draws=4000).posterior.draws
    apart = kept.medians[3].numpy() - np.median(draws, axis=0)
    # the median of 256 draws scatters by 0.08; that of metallicity, which is drawn again where it
    # lies out of bounds, by more
    limit = np.full(len(TARGET_NAMES), 0.2)
    limit[TARGET_NAMES.index("gas_metallicity")] = 0.6
    assert (np.abs(apart) < limit * draws.std(axis=0)).all()
    assert kept.observe(19).photometry.petro_r50 is None
    manifest = Engine.load(weights, "cpu").weights.manifest
    assert manifest["library"]["galaxies"] == 20
    assert manifest["library"]["with_published_values"] == 12
    assert manifest["made"] == "at random, for a test"


def test_the_same_galaxies_give_the_same_library(weights, entries):
    engine = Engine.load(weights, "cpu")
    one, again = build_library(engine, entries, seed=4), build_library(engine, entries, seed=4)
    assert one.keys() == again.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], again[name])


def test_no_pixel_is_kept(weights, entries):
    arrays = build_library(Engine.load(weights, "cpu"), entries)
    per_galaxy = sum(v.nbytes for v in arrays.values() if len(v) == len(entries)) / len(entries)
    assert per_galaxy < 320
    assert all(v.ndim < 3 for v in arrays.values())


def test_a_library_needs_galaxies(weights, entries):
    few = Entries(**{name: getattr(entries, name)[:5] for name in entries.__dataclass_fields__})
    with pytest.raises(DataError, match="at least 16"):
        build_library(Engine.load(weights, "cpu"), few)
    assert len(join([few, few])) == 10


def test_an_older_library_is_made_anew(weights, entries):
    """The engine that builds needs a model and no library."""
    (weights / LIBRARY_FILE).unlink()
    with pytest.raises(WeightsError):
        Engine.load(weights, "cpu")
    from galexplorer.model.weights import load

    write(weights, build_library(Engine(load(weights, "cpu")), entries))
    assert len(Engine.load(weights, "cpu").library) == 20
    assert not list(weights.glob("*.part"))


def test_a_table_of_images_becomes_a_library(weights, pictures, tmp_path, capsys):
    rows = [
        f"{name},{10 + k},{k},0.4,{0.02 + 0.001 * k},{10 + 0.1 * k}"
        for k, name in enumerate(pictures)
    ]
    rows += ["missing.jpg,1,1,0.4,0.1,10", f"{pictures[0]},,1,0.4,0.1,10"]
    table = tmp_path / "galaxies.csv"
    table.write_text("\n".join(["image,ra,dec,pixel_scale,redshift,log_stellar_mass", *rows]))
    found, problems = read_table(table)
    assert len(found) == 18
    assert len(problems) == 2
    assert "Row 20: it has no position." in problems[1]
    np.testing.assert_allclose(found.known[:, 0], 0.02 + 0.001 * np.arange(18))
    assert np.isfinite(found.known[:, 9]).all()
    assert np.isnan(found.known[:, 2]).all()

    assert main(["library", "build", "--catalog", str(table), "--weights", str(weights)]) == 0
    told = capsys.readouterr()
    assert "18 galaxies, 18 of them with published values" in told.out
    assert "Row 19" in told.err
    assert len(Engine.load(weights, "cpu").library) == 18


@pytest.mark.parametrize(
    ("head", "words"),
    [("image,redshift", "lacks ra, dec"), ("ra,dec,u", "lacks image")],
)
def test_a_table_needs_its_columns(tmp_path, head, words):
    table = tmp_path / "table.csv"
    table.write_text(f"{head}\n1,2,3\n")
    with pytest.raises(InputError, match=words):
        read_table(table)


def test_nothing_to_build_from_is_an_error(capsys):
    assert main(["library", "build"]) == 2
    assert "give folders of labelled images" in capsys.readouterr().err


def test_a_library_may_be_empty(weights, pictured):
    """Weights that know no real galaxy say so, and infer all the same."""
    told = write(weights, library.empty_library())
    assert told["galaxies"] == 0
    assert "map" not in told
    engine = Engine.load(weights, "cpu")
    assert len(engine.library) == 0
    assert engine.library.places.shape == (0, 2)
    for name in ("redshift", "log_sfr"):
        assert len(engine.library.values(name)[0]) == 0
    assert len(engine.library.classes_of()[0]) == 0
    result = engine.infer(pictured, draws=100)
    assert result.neighbours == ()
    assert EMPTY_LIBRARY in result.notes
    assert np.isfinite(engine.library.place(result.latent)).all()
    with pytest.raises(InputError, match="has no galaxy"):
        engine.library.find_row("J000000.00+000000.0")


def test_without_an_image_nothing_is_said_of_neighbours(weights, catalogued):
    write(weights, library.empty_library())
    notes = Engine.load(weights, "cpu").infer(catalogued, draws=100).notes
    assert EMPTY_LIBRARY not in notes
