"""`galexplorer infer TARGET` and what `fetch` wrote for it, as a user runs them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from sky_replay import EBV_SFD, HARO25, HARO25_OBJID

from galexplorer.cli import main
from galexplorer.errors import InputError
from galexplorer.inference.engine import Engine
from galexplorer.inference.observe import observe, observe_fetched
from galexplorer.sky.cube import read_fetched, write_fetched
from galexplorer.sky.fetch import fetch_target
from galexplorer.ui.targets.remarks import is_routine

POSITION = "162.18416 +26.05369"


@pytest.fixture
def run(replay, tmp_path, monkeypatch, capfd):
    """Run `galexplorer infer` against the replayed services; return code, stdout and stderr."""
    monkeypatch.setenv("GALEXPLORER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GALEXPLORER_LEGACY_URL", replay.url("legacy"))
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> tuple[int, str, str]:
        code = main(["infer", *map(str, arguments)])
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return command


@pytest.fixture
def infer(run, weights_dir):
    """Return the answer as JSON, and stderr."""

    def command(*arguments: object) -> tuple[dict, str]:
        code, said, told = run(*arguments, "--draws", 300)
        assert code == 0, told
        return json.loads(said), told

    return command


def test_a_name_is_inferred(infer):
    answer, told = infer("Haro 25")
    assert answer["known"]["redshift"] == pytest.approx(0.0258)
    assert answer["known"]["log_stellar_mass"] == pytest.approx(9.4)
    assert answer["photometry"]["kind"] == "catalogue"
    assert answer["photometry"]["magnitudes"]["r"] == pytest.approx(15.1)
    assert answer["photometry"]["petro_kind"] == "catalogue"
    origins = answer["origins"]
    assert origins["photometry"] == "SDSS DR17 model magnitudes, dereddened"
    assert origins["petrosian_radii"] == "SDSS DR17 petroR50_r, petroR90_r"
    assert origins["pixels"] == "SDSS DR17 frames"
    assert origins["position"] == f"SDSS DR17 objID {HARO25_OBJID}"
    assert origins["name"].startswith("Sesame (CDS): RA 162.184")
    assert set(answer["known"]) < set(origins)
    assert "Haro 25: read as the name Haro 25." in answer["notes"]
    assert "The galaxy lies at RA 162.18416°, Dec +26.05369°." in answer["notes"]
    # The published redshift is shown, not used.
    assert answer["provenance"]["redshift_fixed"] is None
    assert answer["posterior"]["redshift"]["std"] > 0
    assert "querying SkyServer" in told
    assert answer["provenance"]["input_kind"] == "fits"


@pytest.mark.parametrize(
    ("words", "echo"),
    [
        (["162.184 +26.054"], "read as RA 162.18400°, Dec +26.05400°"),
        (["162.184", "+26.054"], "read as RA 162.18400°, Dec +26.05400°"),
        (["162.184/26.054"], "read as RA 162.18400°, Dec +26.05400°"),
        (["10:48:44.2", "+26:03:13"], "read as RA 162.18417°, Dec +26.05361°"),
        (["J104844.20+260313.2"], "read as RA 162.18417°, Dec +26.05367°"),
        (["Haro", "25"], "read as the name Haro 25"),
        ([HARO25_OBJID], "run 5112, rerun 301, camcol 4, field 345"),
    ],
)
def test_the_reading_is_echoed(infer, words, echo):
    answer, told = infer(*words)
    assert any(echo in note for note in answer["notes"])
    assert echo in told
    assert answer["photometry"]["magnitudes"]["r"] == pytest.approx(15.1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.fits"], "nowhere.fits does not exist"),
        (["nowhere.fits.bz2"], "does not exist"),
        (["folder/Haro 25"], "folder/Haro 25 does not exist"),
        (["./Haro25"], "does not exist"),
        (["a.jpg"], "a.jpg does not exist"),
        (["g.fits", "r.fits", "i.fits"], "g.fits does not exist"),
        (["162.1 -5.7"], "SDSS has no object at '162.1 -5.7'"),
        (["162.1 \u22125.7"], "SDSS has no object at '162.1 -5.7'"),
        (["RA=162.1 Dec=-5.7"], "SDSS has no object"),
        (["162.1", "-5.7"], "Quote a position"),
        (["10.68 +91"], "Dec of +91°"),
        (["hello"], "No object is known by the name 'hello'"),
        (["star"], "is a star in SDSS"),
        (["nowhere"], "outside its footprint"),
        (["far"], "redshift 0.410"),
        (["Haro 25", "--ra", "162", "--dec", "26"], "--ra applies only to an image of your own"),
        (["Haro 25", "--pixel-scale", "0.4"], "--pixel-scale applies only to an image"),
        (["Haro 25", "--g", "g.fits"], "--g applies only to an image of your own"),
        (["--mag-r", "17", "--source", "hips"], "--source applies only to a galaxy"),
        (["x" * 300], "longer than 200"),
    ],
)
def test_mistakes_are_one_sentence(run, arguments, words):
    code, said, told = run(*arguments)
    assert (code, said) == (2, "")
    assert words in told
    assert told.splitlines()[-1].startswith("galexplorer: error: ")


def test_an_existing_file_wins(infer, tmp_path, settings):
    fetched = fetch_target(POSITION, settings=settings)
    write_fetched(fetched, tmp_path / "M31")
    answer, told = infer("M31")
    assert answer["known"]["redshift"] == pytest.approx(0.0258)
    assert "Sesame" not in told


def test_a_fetched_cube_gives_the_same_posterior(infer, tmp_path, capfd):
    assert main(["fetch", "Haro 25", "--out", str(tmp_path)]) == 0
    capfd.readouterr()
    first, _ = infer("Haro 25", "--seed", 3)
    again, _ = infer(tmp_path / "Haro_25.fits", "--seed", 3)
    for key in ("posterior", "bpt", "photometry", "known", "domain", "neighbours", "provenance"):
        assert again[key] == first[key], key
    assert set(again["origins"]) == set(first["origins"])
    assert len(again["notes"]) == len(first["notes"])
    # With a target of the user's own the cards of the galaxy do not count.
    other, _ = infer(tmp_path / "Haro_25.fits", "--ra", 162.1842, "--dec", 26.0537)
    assert other["known"] == {}
    assert other["photometry"]["kind"] == "measured"


def test_magnitudes_of_the_user_come_first(infer):
    answer, _ = infer("Haro 25", "--mag-g", 16, "--mag-r", 15.5, "--mag-i", 15.2)
    assert answer["photometry"]["magnitudes"] == {"g": 16, "r": 15.5, "i": 15.2}
    assert answer["origins"]["photometry"] == "as given"
    assert answer["known"]["redshift"] == pytest.approx(0.0258)


def test_the_second_source_is_named(infer):
    answer, _ = infer("Haro 25", "--source", "legacy")
    assert answer["origins"]["pixels"].startswith("Legacy Surveys viewer")
    assert any("noise is smoother" in note for note in answer["notes"])
    assert any("domain" in note for note in answer["notes"])


def test_smoother_noise_moves_neither_posterior_nor_verdict(settings, weights_dir):
    """The most that a bilinear resampler smooths: half a pixel in both directions."""
    fetched = fetch_target(POSITION, settings=settings)
    smooth = ndimage.shift(fetched.pixels.flux, (0, 0.5, 0.5), order=1, mode="nearest")
    resampled = replace(fetched, pixels=replace(fetched.pixels, flux=smooth))
    engine = Engine.load(weights_dir)
    first, second = (engine.infer(observe_fetched(f), draws=2000) for f in (fetched, resampled))
    before, after = first.posterior.summary(), second.posterior.summary()
    for name, row in before.items():
        assert abs(after[name]["p50"] - row["p50"]) < row["std"] / 3, name
        assert after[name]["std"] == pytest.approx(row["std"], rel=0.2), name
    assert second.domain.inside == first.domain.inside


def test_what_is_measured_on_fetched_pixels_is_dereddened(replay, settings):
    """By the coefficients of Schlafly & Finkbeiner 2011, table 6."""
    replay.faults["skyserver"] = "500"
    fetched = fetch_target(POSITION, settings=settings)
    assert replay.counts["irsa"] == 1
    plain = observe(fetched.pixels, ra=fetched.ra, dec=fetched.dec)
    observation = observe_fetched(fetched)
    assert observation.photometry.kind == "measured"
    for band, factor in {"g": 3.303, "r": 2.285, "i": 1.698}.items():
        removed = plain.photometry.magnitudes[band] - observation.photometry.magnitudes[band]
        assert removed == pytest.approx(factor * EBV_SFD)
    expected = HARO25.magnitude - 2.285 * EBV_SFD
    assert observation.photometry.magnitudes["r"] == pytest.approx(expected, abs=0.1)
    assert "Schlafly & Finkbeiner" in observation.origins["extinction"]
    assert observation.origins["photometry"] == "measured on the pixels, dereddened"
    assert observation.known == {}
    assert any(note.startswith("No catalogue values") for note in observation.notes)
    assert fetch_target(POSITION, settings=settings).requests > 0  # what failed is asked again
    assert replay.counts["irsa"] == 1


def test_without_any_dust_map_the_extinction_is_told_to_be_zero(replay, settings):
    replay.faults |= {"skyserver": "500", "irsa": "html"}
    observation = observe_fetched(fetch_target(POSITION, settings=settings))
    assert observation.origins["extinction"] == "unknown, assumed to be 0"
    assert observation.origins["photometry"].endswith("not corrected for Galactic extinction")
    assert any("unknown and was assumed to be 0" in note for note in observation.notes)


@pytest.mark.parametrize("text", [POSITION, "Haro 25", str(HARO25_OBJID)])
def test_the_app_knows_notes_that_are_routine_word_for_word(text, settings):
    notes = observe_fetched(fetch_target(text, settings=settings)).notes
    starts = (f"{text}: read as", "The galaxy lies at", "Pixels: SDSS DR17 frames")
    routine = [note for note in notes if is_routine(note)]
    assert routine == [next(note for note in notes if note.startswith(start)) for start in starts]


def test_a_cube_holds_all_that_was_fetched(settings, tmp_path):
    fetched = fetch_target(POSITION, settings=settings)
    write_fetched(fetched, tmp_path / "cube.fits.gz")
    again = read_fetched(tmp_path / "cube.fits.gz")
    for name in ("ra", "dec", "photometry", "objid", "truths", "subclass", "source"):
        assert getattr(again, name) == getattr(fetched, name), name
    assert again.extinction_mag == fetched.extinction_mag
    assert again.pixels.sha256 == fetched.pixels.sha256
    assert again.pixels.pixel_scale_arcsec == fetched.pixels.pixel_scale_arcsec
    np.testing.assert_array_equal(again.pixels.flux, fetched.pixels.flux)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"MAG_R   =  ", b"MAG_R   = -"), (b"Z_SPEC  = ", b"Z_SPEC  =T"), (b"RA_OBJ ", b"RA_OBX ")],
)
def test_damaged_cards_are_refused(settings, tmp_path, old, new):
    path = tmp_path / "cube.fits"
    write_fetched(fetch_target(POSITION, settings=settings), path)
    content = path.read_bytes()
    assert content.count(old) == 1
    with pytest.raises(InputError, match="fetch the galaxy again"):
        read_fetched(("cube.fits", content.replace(old, new)))
