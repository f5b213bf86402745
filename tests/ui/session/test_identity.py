"""Whose values stand on the page, and under which name."""

from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from galexplorer.ui.result.downloads import file_stem
from galexplorer.ui.session import snippets, state
from galexplorer.ui.session.identity import Identity, separation_arcsec
from galexplorer.ui.session.request import Options
from galexplorer.ui.session.sources import list_examples
from galexplorer.ui.session.state import ExploredGalaxy

ROOT = Path(__file__).resolve().parents[3]
HARO = (162.18416, 26.05369)


def the_record(at: AppTest) -> ExploredGalaxy:
    return list(at.session_state["history"].values())[-1]


@pytest.fixture
def app(weights_dir) -> AppTest:
    if not list_examples():
        pytest.skip("no examples")
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    at.query_params["example"] = "spiral"
    at.query_params["draws"] = "1000"
    at.run()
    assert not at.exception
    return at


def objects(at: AppTest) -> list:
    at.button_group(key="sky_part").set_value("Field").run()
    return [button for button in at.button if (button.key or "").startswith("object_")]


def texts(at: AppTest) -> str:
    captions = [caption.value for caption in at.caption]
    return "\n".join([*captions, *(b.label for b in at.button), *(h.value for h in at.header)])


def test_another_object_of_an_image_has_none_of_the_first_ones_values(app):
    truth = the_record(app).known
    assert truth["redshift"] == pytest.approx(0.0316)
    assert "Known" in app.table[0].value
    assert "Fix z = 0.0316" in texts(app)
    buttons = objects(app)
    assert len(buttons) >= 3
    own = next(k for k, button in enumerate(buttons) if button.proto.type == "primary")
    other = next(k for k in range(len(buttons)) if k != own)
    buttons[other].click().run()
    assert not app.exception
    record = the_record(app)
    assert record.known == {}
    assert record.name != "Nearby spiral"
    assert "Known" not in app.table[0].value
    assert "Fix z" not in texts(app)
    assert "A star-forming disc" not in texts(app)
    assert not file_stem(record.name).startswith("Nearby")


def test_what_is_masked_is_in_the_record_the_link_and_the_code(app):
    before = the_record(app)
    app.button_group(key="sky_part").set_value("Mask").run()
    app.number_input(key="mask_east").set_value(12.0)
    app.button(key="mask_add").click().run()
    assert not app.exception
    record = the_record(app)
    words = app.query_params["mask_regions"]
    words = words[0] if isinstance(words, list) else words
    assert words.startswith("image;circle(")
    assert record.identity.description.endswith("1 region masked by hand.")
    assert record.name == before.name
    assert record.known == before.known
    assert record.result.origins["mask"] == f"by hand, {words}"
    assert "before" in app.table[0].value.to_string()
    assert f"mask_regions='{words}'" in snippets.python_code(record.source, record.options)
    assert f"--mask-regions '{words}'" in snippets.command_line(record.source, record.options)[0]
    app.button(key="mask_undo").click().run()
    assert the_record(app).key == before.key
    assert "mask_regions" not in app.query_params


def test_a_mask_over_the_galaxy_can_be_taken_back(app):
    before = the_record(app)
    app.button_group(key="sky_part").set_value("Mask").run()
    for key in ("mask_east", "mask_north"):
        app.number_input(key=key).set_value(0.0)
    app.button(key="mask_add").click().run()
    assert "hold the galaxy's centre" in app.error[0].value
    app.button(key="mask_undo").click().run()
    assert not app.exception
    assert not app.error
    assert the_record(app).key == before.key


def test_masks_of_a_link_to_a_galaxy_without_pixels_can_be_cleared(weights_dir):
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    at.query_params["library"] = state.load_engine().library.names[0]
    at.query_params["mask_regions"] = "image;circle(9,9,2);circle(20,20,2)"
    at.query_params["draws"] = "600"
    at.run()
    assert "clear the masks" in at.error[0].value
    at.button(key="mask_clear").click().run()
    assert not at.exception
    assert not at.error
    assert the_record(at).options.mask_regions == ""


def test_aiming_at_the_first_object_keeps_its_values(app):
    buttons = objects(app)
    own = next(k for k, button in enumerate(buttons) if button.proto.type == "primary")
    buttons[(own + 1) % len(buttons)].click().run()
    objects(app)[own].click().run()
    assert the_record(app).name == "Nearby spiral"
    assert the_record(app).known["redshift"] == pytest.approx(0.0316)


def explored(key: str, identity: Identity) -> ExploredGalaxy:
    return ExploredGalaxy(key, identity, None, Options(), result=None)


NAMED = Identity("Haro 25", "", {"redshift": 0.0258}, *HARO)
PLACED = Identity("J104844.19+260313.2", "", {}, HARO[0] + 0.0002, HARO[1], named=False)


def test_magnitudes_of_a_list_keep_its_name_and_position(weights_dir):
    """Two of them are two galaxies: neither is what the other was before."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    places = {"T02": "150~2", "T06": f"{HARO[0]}~{HARO[1]}"}
    for name, place in places.items():
        stated = {"name": name, "place": place, "mag_g": "17.4", "mag_r": "16.8", "draws": "500"}
        for key, value in stated.items():
            at.query_params[key] = value
        at.run()
        assert not at.exception
    record = the_record(at)
    assert (record.name, record.identity.ra, record.identity.dec) == ("T06", *HARO)
    assert len(at.session_state["history"]) == 2
    assert "overlay" not in at.session_state
    assert file_stem(record.name).startswith("T06")
    at.query_params["redshift"] = "0.0258"
    at.run()
    assert the_record(at).name == "T06"
    assert at.session_state["overlay"]


@pytest.mark.parametrize("order", [(NAMED, PLACED), (PLACED, NAMED)])
def test_a_position_takes_the_name_that_is_found_for_it(monkeypatch, order):
    monkeypatch.setattr(state.st, "session_state", {})
    for key, identity in zip("ab", order, strict=True):
        state.store_result(explored(key, identity))
    assert {record.name for record in state.history()} == {"Haro 25"}


def test_a_position_elsewhere_keeps_its_own():
    far = replace(PLACED, ra=HARO[0] + 0.01)
    assert far.named_as(NAMED) == far
    assert replace(PLACED, ra=None).named_as(NAMED).name == PLACED.name
    assert separation_arcsec(0.0, 0.0, 0.0, 1 / 3600) == pytest.approx(1.0)
