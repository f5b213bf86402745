"""What can be corrected below a doubt."""

import numpy as np
from streamlit.testing.v1 import AppTest

from galexplorer.records.photometry import Photometry
from galexplorer.records.posterior import Posterior
from galexplorer.records.result import Domain, Result
from galexplorer.records.verdict import Verdict, reason
from galexplorer.ui.session.identity import Identity
from galexplorer.ui.session.request import Options
from galexplorer.ui.session.sources import Source
from galexplorer.ui.session.state import ExploredGalaxy


def doubted(code: str, file: tuple[str, bytes], **stated) -> ExploredGalaxy:
    """Return a result from one file, with a reason to doubt it."""
    result = Result(
        Posterior(np.zeros((100, 9), np.float32)), {}, Photometry("catalogue"),
        Domain(True, 40.0), verdict=Verdict((reason(code, "caution"),), 0.9),
    )  # fmt: skip
    source = Source("upload", "m", (file,), "")
    return ExploredGalaxy("m", Identity("m", ""), source, Options(**stated), result)


def drawn(record: ExploredGalaxy) -> AppTest:
    def script(record):
        from galexplorer.ui.result.corrections import show_corrections

        show_corrections(record)

    app = AppTest.from_function(script, kwargs={"record": record}, default_timeout=60).run()
    assert not app.exception
    return app


def test_image_and_magnitudes_that_differ_ask_for_the_zero_point(cube):
    magnitudes = {"g": 20.0, "r": 19.5, "i": 19.2}
    app = drawn(doubted("disagree", ("galaxy.fits", cube), magnitudes=magnitudes))
    (field,) = app.number_input
    assert field.label == "Zero point (mag AB)"
    assert app.button(key="clear_magnitudes").label == "Clear the magnitudes"
    field.set_value(26.0).run()
    app.button(key="correct_use").click().run()
    assert app.session_state["zero_point"] == 26.0
