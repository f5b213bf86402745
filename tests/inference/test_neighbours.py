"""The library: search, percentiles, layouts, and its galaxies inferred again."""

import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy import stats
from scipy.spatial import distance as scipy_distance

from galexplorer.errors import InputError, WeightsError
from galexplorer.image.fibre import fibre_magnitudes
from galexplorer.inference.engine import NEIGHBOURS, Engine
from galexplorer.inference.input_selection import select_inputs
from galexplorer.inference.neighbours import (
    LIBRARY_FILE,
    Library,
    nearest_distance_percentiles,
)
from galexplorer.model import weights
from galexplorer.model.features import scaled_log_pixel_size
from galexplorer.query.names import iau_names
from galexplorer.records.observation import Cutout, Observation
from galexplorer.records.photometry import Photometry
from galexplorer.schema import TARGET_NAMES
from galexplorer.verdict.domain import misfit_of


@pytest.fixture
def arrays(random_weights) -> dict[str, torch.Tensor]:
    return load_file(random_weights / LIBRARY_FILE)


def test_neighbours_come_nearest_first(engine, pictured):
    neighbours = engine.infer(pictured, draws=100).neighbours
    distances = [n.distance for n in neighbours]
    assert len(neighbours) == NEIGHBOURS
    assert distances == sorted(distances)
    latent = engine.encode([pictured]).latent[0]
    offset = (engine.library.latents - latent) / engine.library.latents.std(dim=0)
    known = torch.isfinite(engine.library.known[:, 0])
    expected = torch.linalg.vector_norm(offset[known], dim=1).sort().values[:NEIGHBOURS]
    np.testing.assert_allclose(distances, expected, rtol=1e-5)
    assert neighbours[0].thumbnail.shape == (64, 64, 3)


def test_a_galaxy_is_not_its_own_neighbour(engine):
    library = engine.library
    ra, dec = (float(v) for v in library.position[3])
    plain = [row for row, _ in library.nearest(library.latents[3], 5)]
    apart = [row for row, _ in library.nearest(library.latents[3], 5, exclude=(ra, dec))]
    assert plain[0] == 3
    assert 3 not in apart


def test_the_sky_closes_at_ra_zero(engine):
    """Row 0 lies at RA 0, and RA 359.9999 is less than an arcsecond away."""
    library = engine.library
    dec = float(library.position[0, 1])
    rows = [row for row, _ in library.nearest(library.latents[0], 5, exclude=(359.9999, dec))]
    assert 0 not in rows


def test_distances_are_those_of_scipy(engine):
    library = engine.library
    latents = library.latents.numpy()
    expected = scipy_distance.cdist(
        latents[:1], latents, "seuclidean", V=latents.var(axis=0, ddof=1)
    )
    np.testing.assert_allclose(library.distances(library.latents[0]), expected[0], atol=2e-5)


def test_a_percentile_is_the_share_of_nearer_pairs(rng):
    latents = torch.from_numpy(rng.normal(size=(300, 32)).astype(np.float32))
    position = torch.from_numpy(
        np.column_stack([rng.uniform(0, 360, 300), rng.uniform(0, 60, 300)])
    )
    levels = nearest_distance_percentiles(latents, position)
    scaled = latents.numpy() / latents.numpy().std(axis=0, ddof=1)
    apart = scipy_distance.squareform(scipy_distance.pdist(scaled))
    np.fill_diagonal(apart, np.inf)
    own = apart.min(axis=1)
    np.testing.assert_allclose(levels[[0, 50, 100]], np.quantile(own, [0, 0.5, 1]), rtol=1e-4)


def test_a_galaxy_listed_twice_is_no_neighbour_of_itself(rng):
    latents = torch.from_numpy(rng.normal(size=(100, 32)).astype(np.float32))
    position = torch.from_numpy(np.column_stack([np.linspace(0, 350, 100), np.zeros(100)]))
    twice = torch.cat([position, position + 1e-4])
    levels = nearest_distance_percentiles(torch.cat([latents, latents + 1e-3]), twice)
    assert levels[0] > 1


def test_neighbours_tell_percentile_and_medians(engine, pictured):
    neighbours = engine.infer(pictured, draws=100).neighbours
    percentiles = [n.percentile for n in neighbours]
    assert percentiles == sorted(percentiles)
    assert 0 <= percentiles[0] <= percentiles[-1] <= 100
    assert set(neighbours[0].medians) == set(TARGET_NAMES)
    assert neighbours[0].field_arcsec == pytest.approx(32.0)
    assert not neighbours[0].bpt_published


def test_published_values_come_before_medians(engine):
    values, published = engine.library.values("redshift")
    assert published.sum() == len(engine.library) - 4
    assert values[0] == pytest.approx(0.01)
    assert values[-1] == pytest.approx(0.05, abs=1e-4)


def test_published_lines_give_the_class(arrays):
    lines = torch.tensor([2.0, 1.5, 2.2, 2.6])  # [N II]/Ha = 0.2, [O III]/Hb = 1.1 dex: a Seyfert
    arrays["known"][3, 5:9] = lines
    arrays["classes"][3] = torch.tensor([1.0, 0, 0, 0])
    kinds, published = Library(arrays).classes_of([2, 3])
    assert published.tolist() == [False, True]
    assert kinds[1] == 2


def test_a_new_galaxy_is_placed_as_those_of_the_library(engine):
    library = engine.library
    np.testing.assert_allclose(library.place(library.latents[7]), library.places[7], atol=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.pop("layout"), "older layout"),
        (lambda a: a.update(layout=torch.tensor([99])), "newer layout"),
        (lambda a: a.pop("medians"), "lacks 'medians'"),
        (lambda a: [a.pop(k) for k in list(a) if k.startswith("map.")], "lacks 'map.weight0'"),
    ],
)
def test_another_layout_is_named(random_weights, tmp_path, arrays, change, words):
    folder = shutil.copytree(random_weights, tmp_path / "weights")
    change(arrays)
    save_file(arrays, folder / LIBRARY_FILE)
    weights.write_manifest(folder, weights.read_manifest(folder))
    with pytest.raises(WeightsError, match=words) as caught:
        Engine.load(folder, "cpu")
    assert "rebuild the library" in str(caught.value)


def test_a_galaxy_of_the_library_is_inferred_as_its_image_was(engine, pictured, arrays):
    """What is kept of an image gives the answer that the image gave."""
    cutout, photometry = pictured.cutout, pictured.photometry
    grid = torch.from_numpy(cutout.grid)[None]
    with torch.inference_mode():
        scale = torch.from_numpy(
            scaled_log_pixel_size(np.array([cutout.pixel_scale_arcsec]))
        ).float()
        for name, values in zip(
            ("latents", "log_variance", "estimate"),
            engine.model.summarise(grid, scale, torch.tensor([True])),
            strict=True,
        ):
            arrays[name][5] = values[0]
        decoded = engine.model.reconstruct(grid)[1]
        arrays["misfit"][5] = misfit_of(grid.float() / 255.0, decoded)[0]
    arrays["magnitudes"][5] = torch.tensor([photometry.magnitudes[b] for b in "gri"])
    arrays["errors"][5] = float("nan")
    arrays["petro"][5] = torch.tensor([photometry.petro_r50, photometry.petro_r90])
    arrays["petro"] = arrays["petro"].half()
    arrays["fibre"] = torch.full((len(arrays["petro"]), 3), float("nan"))
    fibre = fibre_magnitudes(cutout.grid[None], np.array([cutout.pixel_scale_arcsec]))
    arrays["fibre"][5] = torch.from_numpy(fibre[0])
    arrays["pixel_scale"][5] = cutout.pixel_scale_arcsec
    measured = Observation(
        Cutout(cutout.grid, cutout.pixel_scale_arcsec, cutout.grid, 0.4),
        Photometry("measured", photometry.magnitudes, {}, 3.1, 8.2, "measured"),
        origin="jpeg",
    )
    stored = Library(arrays).observe(5)
    one = engine.infer(measured, draws=4000)
    other = engine.infer(stored, draws=4000)
    # what the flows are given is the same; the draws have noise of their own
    given = [engine.encode([observation]) for observation in (measured, stored)]
    torch.testing.assert_close(given[0].context, given[1].context, atol=0.01, rtol=0.01)
    assert torch.equal(given[0].mode, given[1].mode)
    for name in TARGET_NAMES:
        pair = one.posterior.column(name), other.posterior.column(name)
        assert stats.ks_2samp(*pair, method="asymp").pvalue > 0.01
    assert other.view is None
    assert other.neighbours
    assert other.provenance["input_kind"] == "jpeg"
    assert "no pixels were read" in other.notes[0]
    assert other.domain.score == pytest.approx(one.domain.score, abs=0.1)


def test_its_image_can_be_left_out(engine):
    stored = engine.library.observe(0)
    alone = engine.infer(select_inputs(stored, ("g", "r", "i", "radii")), draws=200)
    assert alone.provenance["input_kind"] == "photometry"
    assert alone.neighbours == ()
    assert alone.latent is None
    assert "Excluded by the user: image." in alone.notes


def test_names_find_rows(engine):
    library = engine.library
    assert library.find_row(library.names[9]) == 9
    with pytest.raises(InputError, match="explore it by its position"):
        library.find_row("J000000.00+000000.0")


def test_a_galaxy_listed_twice_has_two_names(engine, arrays):
    """Cards, links and comparisons know a galaxy of the library by its name."""
    arrays["position"] = arrays["position"].contiguous()
    for row in (5, 7):
        arrays["position"][row] = arrays["position"][3]
    library = Library(arrays)
    name = library.names[3]
    assert [library.names[row] for row in (5, 7)] == [f"{name} (2)", f"{name} (3)"]
    assert [library.find_row(own) for own in library.names] == list(range(len(library)))
    described = library.describe([7, 3, 0], engine.model.decoder)
    assert [own.name for own in described] == [library.names[row] for row in (7, 3, 0)]


def test_names_are_truncated_not_rounded():
    """The IAU's rule; Haro 25 from its decimal position."""
    assert iau_names(np.array([162.18416]), np.array([26.05369])) == ["J104844.19+260313.2"]
