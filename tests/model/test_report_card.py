"""The report card beside the weights: read where it is theirs, refused where it is damaged."""

import json
import shutil

import pytest

from galexplorer.errors import WeightsError
from galexplorer.model.weights import REPORT_CARD_FILE, read_report_card


@pytest.fixture
def folder(weights_dir, tmp_path):
    if not (weights_dir / REPORT_CARD_FILE).exists():
        pytest.skip("the weights have no report card")
    for name in ("manifest.json", REPORT_CARD_FILE):
        shutil.copy(weights_dir / name, tmp_path)
    return tmp_path


def test_it_is_small_and_belongs_to_the_weights(folder):
    assert (folder / REPORT_CARD_FILE).stat().st_size < 800_000
    card = read_report_card(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert card["weights_sha256"] == manifest["files"]["model.safetensors"]
    assert card["shortfalls"]


def test_that_of_other_weights_is_none_of_these(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["model.safetensors"] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert read_report_card(folder) is None
    (folder / REPORT_CARD_FILE).unlink()
    assert read_report_card(folder) is None


def test_a_changed_file_is_refused(folder):
    path = folder / REPORT_CARD_FILE
    path.write_text(path.read_text().replace("0.8", "0.9"))
    with pytest.raises(WeightsError, match="not the one the manifest names"):
        read_report_card(folder)
