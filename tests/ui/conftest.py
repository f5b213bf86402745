import importlib.util
import io
import re
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

ROOT = Path(__file__).resolve().parents[2]


def _load_served():
    # scripts/ is no package: the module is loaded by its path, once.
    path = ROOT / "scripts" / "served.py"
    spec = importlib.util.spec_from_file_location("served", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["served"] = module
    spec.loader.exec_module(module)
    return module


served = sys.modules.get("served") or _load_served()


def make_cube(planes: int = 3, size: int = 160, value: float | None = None) -> bytes:
    """Return a FITS cube of a smooth disc with r near 16 mag, 0.396 arcsec per pixel."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    disc = np.exp(-np.hypot(x, 1.4 * y) / 9.0)
    disc *= 10 ** (0.4 * (22.5 - 16.0)) / disc.sum()
    flux = np.array([0.6, 1.0, 1.35])[:planes, None, None] * disc
    flux = flux + rng.normal(0, 0.01, flux.shape)
    if value is not None:
        flux[:] = value
    header = fits.Header({"BUNIT": "nanomaggy", "BANDS": "gri"[:planes]})
    for axis, sign in ((1, -1), (2, 1)):
        header[f"CDELT{axis}"] = sign * 0.396 / 3600
        header[f"CUNIT{axis}"] = "deg"
    buffer = io.BytesIO()
    fits.PrimaryHDU(flux.astype(np.float32), header).writeto(buffer)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch) -> Path:
    """Keep lists of targets in a folder of the test."""
    monkeypatch.setenv("GALEXPLORER_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture(scope="session")
def cube() -> bytes:
    return make_cube()


@pytest.fixture(scope="session")
def bad_files() -> dict[str, tuple[str, bytes]]:
    """Files that are no gri image, by what is wrong with them."""
    return {
        "empty": ("empty.fits", b""),
        "text": ("notes.fits", b"These are my observing notes.\n" * 200),
        "one band": ("single.fits", make_cube(planes=1)),
        "no values": ("blank.fits", make_cube(value=np.nan)),
        "no galaxy": ("sky.fits", make_cube(value=0.0)),
    }


DISCS = ((60.0, 70.0, 15.5), (190.0, 90.0, 16.5), (120.0, 200.0, 17.0))


@pytest.fixture(scope="session")
def crowded() -> bytes:
    """A FITS cube of three discs with coordinates; the first is the brightest."""
    rng = np.random.default_rng(6)
    y, x = np.mgrid[:256, :256]
    flux = rng.normal(0, 0.01, (3, 256, 256))
    for x0, y0, magnitude in DISCS:
        disc = np.exp(-np.hypot(x - x0, 1.3 * (y - y0)) / 7.0)
        disc *= 10 ** (0.4 * (22.5 - magnitude)) / disc.sum()
        flux += np.array([0.6, 1.0, 1.35])[:, None, None] * disc
    header = fits.Header({"BUNIT": "nanomaggy", "BANDS": "gri"})
    header["CTYPE1"], header["CTYPE2"] = "RA---TAN", "DEC--TAN"
    header["CRVAL1"], header["CRVAL2"] = 150.0, 2.0
    header["CRPIX1"] = header["CRPIX2"] = 128.5
    header["CDELT1"], header["CDELT2"] = -0.396 / 3600, 0.396 / 3600
    buffer = io.BytesIO()
    fits.PrimaryHDU(flux.astype(np.float32), header).writeto(buffer)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def browser():
    path = served.chromium()
    if path is None:
        pytest.skip("no chromium: install Debian's package of that name")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=served.ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def app_server(weights_dir):
    """The app as a user would serve it, the services of the sky replayed."""
    with served.replayed() as environment, served.served(environment) as app:
        yield app
        assert "Traceback" not in app.log.read_text()


@pytest.fixture
def open_at(browser):
    """Open pages of an app, each in a browser of its own, and record what they do.

    At the end there must be no error in a console and no request to another host.
    """
    contexts, errors, requests = [], [], []

    def open_at(app, path="/", **options):
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 1000}, **options})
        context.set_default_timeout(served.WAIT_MS)
        contexts.append(context)
        context.on("request", lambda request: requests.append((app, request.url)))
        page = context.new_page()
        page.on("websocket", lambda socket: requests.append((app, socket.url)))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(words(m)) if m.type == "error" else None)
        page.goto(app.address + path)
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert requests
    assert not [url for app, url in requests if not app.is_own(url)]
    assert not [error for error in errors if not STREAMLIT_PROBE.search(error)]


def words(message) -> str:
    return f"{message.text} {message.location['url']}"


# Streamlit's own: opened at /about, its client first looks for a server under that path, and the
# answer is a 404 (github.com/streamlit/streamlit/issues/7074). No option stops it.
STREAMLIT_PROBE = re.compile(
    r" 404 .* http://127\.0\.0\.1:\d+/[\w-]+/_stcore/(health|host-config)$"
)


@pytest.fixture
def open_page(open_at, app_server):
    """Open pages of the shared app as `open_at` does."""
    return partial(open_at, app_server)
