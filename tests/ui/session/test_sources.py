import json
import socket
from urllib.error import URLError

import pytest

import galexplorer as gx
from galexplorer.errors import DataError, InputError
from galexplorer.schema import TARGET_NAMES
from galexplorer.simulation.examples import holds
from galexplorer.ui.session import sources
from galexplorer.ui.session.sources import EXAMPLES_DIR, fetch_ngc6978, list_examples


def test_without_a_list_there_are_no_examples(tmp_path):
    assert list_examples(tmp_path) == ()


def test_examples_say_that_they_are_rendered(tmp_path):
    entry = {
        "file": "a.fits",
        "name": "Spiral",
        "truth": {"redshift": 0.05},
        "description": "Arms.",
    }
    (tmp_path / "examples.json").write_text(json.dumps([entry]))
    (tmp_path / "a.fits").write_bytes(b"SIMPLE")
    (example,) = list_examples(tmp_path)
    source = example.load()
    assert source.files == (("a.fits", b"SIMPLE"),)
    assert source.origin == "Arms. Simulated by this project, not a real galaxy."
    assert source.truth == {"redshift": 0.05}


@pytest.mark.parametrize("content", ["{", "[1]", '[{"name": "no file"}]'])
def test_a_damaged_list_is_refused(tmp_path, content):
    (tmp_path / "examples.json").write_text(content)
    with pytest.raises(DataError, match=r"examples\.json is damaged: restore it"):
        list_examples(tmp_path)


def test_a_missing_example_is_named(tmp_path):
    (tmp_path / "examples.json").write_text('[{"file": "gone.fits", "name": "Gone"}]')
    with pytest.raises(DataError, match=r"gone\.fits is missing: restore assets"):
        list_examples(tmp_path)


def test_committed_examples_are_complete():
    examples = list_examples()
    if not examples:
        pytest.skip(f"no examples in {EXAMPLES_DIR}")
    for example in examples:
        assert set(example.truth) <= set(TARGET_NAMES)


@pytest.mark.slow
def test_the_answers_to_the_examples_hold_their_true_values(weights_dir):
    """As the first page says."""
    for example in list_examples():
        assert holds(gx.infer(example.path), example.truth), example.name


@pytest.mark.parametrize("error", [URLError("no route"), TimeoutError(), socket.gaierror(-2)])
def test_without_a_network_the_message_says_what_to_do(monkeypatch, error):
    def fail(*args, **options):
        assert options["timeout"] <= 10
        raise error

    monkeypatch.setattr(sources, "download_file", fail)
    with pytest.raises(InputError, match="check the network and click again, or choose an example"):
        fetch_ngc6978()


def test_ngc6978_comes_as_three_files(monkeypatch, tmp_path):
    def serve(url, **options):
        path = tmp_path / url.rsplit("/", 1)[1]
        path.write_bytes(b"BZh" + url.encode())
        return str(path)

    monkeypatch.setattr(sources, "download_file", serve)
    source = fetch_ngc6978()
    assert [name for name, _ in source.files] == [f"ngc6976-{band}.fits.bz2" for band in "gri"]
    assert all(
        f"reprojected_sdss_{b}".encode() in c for b, (_, c) in zip("gri", source.files, strict=True)
    )
    assert source.position == (313.1478, -5.7111)
