"""The picture of the galaxy under the pointer."""

import json

from streamlit.testing.v1 import AppTest

from galexplorer.ui.parts.pointed_galaxy import picture_of
from galexplorer.ui.session import state


def test_a_row_of_the_library_has_a_picture_and_nothing_else_has(weights_dir):
    engine = state.load_engine()
    told = picture_of(engine, 3)
    assert told["row"] == 3
    assert told["picture"].startswith("data:image/png;base64,")
    assert engine.library.names[3] in told["alt"]
    for row in (None, -1, len(engine.library), 1e300, 0.5, "3", [3], {}):
        assert picture_of(engine, row) == {"row": None, "picture": "", "alt": ""}


def test_the_map_has_it(weights_dir):
    def script():
        from galexplorer.ui.parts.latent_map import show_map

        show_map([], "map")

    app = AppTest.from_function(script, default_timeout=60)
    app.session_state["map_pointed_row"] = 5  # as the browser tells it
    app.run()
    assert not app.exception
    (component,) = app.get("bidi_component")
    told = json.loads(component.proto.json)
    assert (told["chart"], told["row"]) == ("map", 5)
    assert told["picture"] == picture_of(state.load_engine(), 5)["picture"]
