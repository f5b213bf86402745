"""A survey in miniature on a real HTTP server: SQL, frames and cutouts of a few hundred galaxies.

SkyServer's queries are run as they stand on tables in SQLite. Frames have the structure of the
archive's (two image units, TAN coordinates rotated against north, g and i shifted by some pixels,
neighbours overlapping along the rows) at any size. A share of the answers can be spoilt.
"""

import argparse
import bz2
import io
import re
import socket
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

SCALE_DEG = 0.396 / 3600
APART_DEG = 28 / 3600
BANDS = "ugriz"
COLOURS = {"u": 1.9, "g": 0.7, "r": 0.0, "i": -0.35, "z": -0.6}
BAND_SHIFT = {"g": (3.0, -2.0), "r": (0.0, 0.0), "i": (1.0, 1.0)}
BAND_DELAY = {"g": 8, "r": 0, "i": 2}
HTML = b"<html><head>\n<title>Service unavailable</title></head><body>Sorry</body></html>\n"
FAULTS = (
    *("reset", "429", "500", "503", "404", "html", "empty"),
    *("truncated", "too long", "malformed", "wrong content"),
)


@dataclass(frozen=True)
class Shape:
    """Sizes of the survey's frames and cutouts, pixels.

    The archive's frames are 2048 x 1489, and follow each other by 1361 rows.
    """

    width: int = 420
    height: int = 330
    step: int = 290
    packed_noise: float = 0.01
    """Rounding of the noise, nanomaggies; coarse noise packs small and fast."""
    packing: int = 1
    """Level of bzip2; the archive's is 9, which takes longer to unpack, too."""


@dataclass
class Galaxy:
    """One galaxy that belongs to the main sample."""

    objid: int
    spec: int
    run: int
    camcol: int
    field: int
    ra: float
    dec: float
    magnitude: float
    radius: float
    redshift: float
    values: dict[str, float | None] = field(default_factory=dict)


def frame_wcs(run: int, camcol: int, number: int, band: str, shape: Shape) -> WCS:
    """Return the coordinates of a frame: each run and camcol is a strip of its own."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    # Columns run north and rows run east, nearly, as in the archive.
    wcs.wcs.crval = [21.0 + 7.0 * (run % 40), -5.0 + 9.0 * camcol]
    angle = np.radians(10.3)
    wcs.wcs.cd = SCALE_DEG * np.array(
        [[-np.sin(angle), np.cos(angle)], [np.cos(angle), np.sin(angle)]]
    )
    dx, dy = BAND_SHIFT[band]
    # The tangent point of a strip lies in its middle field, so that its plane is flat enough.
    offset = shape.step * (number - 40)
    wcs.wcs.crpix = [shape.width / 2 + 1 + dx, shape.height / 2 + 1 + dy - offset]
    return wcs


class Survey:
    """What the services know.

    Parameters
    ----------
    galaxies : int
        In the main sample.
    per_field : float
        Mean number in a field.
    shape : Shape
    seed : int
    """

    def __init__(
        self, galaxies: int = 200, per_field: float = 5.0, shape: Shape = Shape(), seed: int = 4
    ) -> None:
        self.shape = shape
        rng = np.random.default_rng(seed)
        fields = max(2, round(galaxies / per_field))
        strips = [(94 + k // 2, 1 + k % 2) for k in range(max(1, fields // 3))]
        self.fields = [
            (*strip, 30 + k) for k in range(-(-fields // len(strips))) for strip in strips
        ][:fields]
        self.galaxies: list[Galaxy] = []
        while len(self.galaxies) < galaxies:
            k = len(self.galaxies)
            drawn = self._draw(k, *self.fields[k % fields], rng=rng)
            if all(np.hypot(drawn.ra - g.ra, drawn.dec - g.dec) > APART_DEG for g in self.galaxies):
                self.galaxies.append(drawn)
        self.base = _make_tables(self.galaxies, rng)
        self._lock = threading.Lock()
        self.frame = lru_cache(maxsize=None)(self._frame)

    def _draw(self, k: int, run: int, camcol: int, number: int, rng) -> Galaxy:
        shape = self.shape
        wcs = frame_wcs(run, camcol, number, "r", shape)
        x = rng.uniform(112, shape.width - 112)  # no cutout reaches over the sides
        y = (shape.height - shape.step) / 2 + rng.uniform(0.0, 1.0) * shape.step
        ra, dec = (float(value) for value in wcs.wcs_pix2world(x, y, 0))
        objid = (2 << 59) | (301 << 48) | (run << 32) | (camcol << 29) | (number << 16) | (20 + k)
        plate = 266 + int(rng.integers(0, 40))
        spec = (plate << 50) | ((k + 1) << 38) | (1900 << 24) | (26 << 10)
        z = float(np.round(rng.uniform(0.01, 0.2), 6))
        values: dict[str, float | None] = {
            "lgm_tot_p50": round(rng.normal(10.4, 0.4), 5),
            "sfr_tot_p50": round(rng.normal(0.1, 0.5), 5),
            "oh_p50": round(rng.normal(8.9, 0.1), 5) if rng.random() < 0.4 else -9999.0,
            "velDisp": round(rng.uniform(40, 300), 4),
            "velDispErr": round(rng.uniform(2, 20), 4),
            "reliable": int(rng.random() < 0.95),
        }
        for line, typical in (("h_alpha", 90), ("h_beta", 25), ("nii_6584", 40), ("oiii_5007", 20)):
            values[f"{line}_flux"] = round(typical * rng.lognormal(0, 1.2) - 4, 5)
            values[f"{line}_flux_err"] = round(rng.uniform(1, 4), 5)
        if rng.random() < 0.1:  # not in MPA-JHU's tables
            values = dict.fromkeys(values) | {k: values[k] for k in ("velDisp", "velDispErr")}
        magnitude = round(rng.uniform(15.0, 17.4), 5)
        radius = round(rng.uniform(4, 9), 5)
        return Galaxy(objid, spec, run, camcol, number, ra, dec, magnitude, radius, z, values)

    def sql(self, text: str) -> bytes:
        """Run a query as SkyServer answers it."""
        with self._lock:
            cursor = self.base.execute(text)
            names = [column[0] for column in cursor.description]
            rows = cursor.fetchall()
        lines = ["#Table1", ",".join(names)]
        lines += [",".join("null" if v is None else repr(v) if isinstance(v, float) else str(v)
                           for v in row) for row in rows]  # fmt: skip
        return "\n".join([*lines, ""]).encode()

    def footprints(self, ra: float, dec: float, reach_arcmin: float) -> bytes:
        """Answer which frames are near; no strip has another beside it."""
        found = []
        for run, camcol, number in self.fields:
            wcs = frame_wcs(run, camcol, number, "r", self.shape)
            place = wcs.wcs_pix2world(self.shape.width / 2, self.shape.height / 2, 0)
            away = 60 * np.hypot((place[0] - ra) * np.cos(np.radians(dec)), place[1] - dec)
            if away < reach_arcmin:
                found.append((away, run, 301, camcol, number, *map(float, place), 95.0, 25.0))
        lines = ["#Table1", "run,rerun,camcol,field,ra,dec,node,incl,distance,total"]
        for away, *row in sorted(found):
            lines.append(",".join(map(str, [*row, float(away), len(found)])))
        return "\n".join([*lines, ""]).encode()

    def paint(self, wcs: WCS, shape: tuple[int, int], band: str) -> np.ndarray:
        """Exponential discs, nanomaggies, shape `shape`."""
        image = np.zeros(shape)
        for galaxy in self._near(wcs, shape):
            x, y = (float(v) for v in wcs.wcs_world2pix(galaxy.ra, galaxy.dec, 0))
            if not (-80 < x < shape[1] + 80 and -80 < y < shape[0] + 80):
                continue
            columns = np.arange(max(0, int(x) - 80), min(shape[1], int(x) + 80))
            rows = np.arange(max(0, int(y) - 80), min(shape[0], int(y) + 80))
            scale = galaxy.radius / 4 / 0.396
            profile = np.exp(-np.hypot(columns[None] - x, rows[:, None] - y) / scale)
            magnitude = galaxy.magnitude + COLOURS[band] + 0.1
            flux = 10 ** (0.4 * (22.5 - magnitude)) / (2 * np.pi * scale**2)
            image[np.ix_(rows, columns)] += flux * profile
        return image

    def _near(self, wcs: WCS, shape: tuple[int, int]) -> list[Galaxy]:
        ra, dec = wcs.wcs_pix2world(shape[1] / 2, shape[0] / 2, 0)
        reach = (max(shape) + 200) * SCALE_DEG
        cos = np.cos(np.radians(dec))
        return [g for g in self.galaxies if np.hypot((g.ra - ra) * cos, g.dec - dec) < reach]

    def _frame(self, run: int, camcol: int, number: int, band: str) -> bytes | None:
        strip = [n for r, c, n in self.fields if (r, c) == (run, camcol)]
        if not strip or not min(strip) - 1 <= number <= max(strip) + 1:
            return None
        wcs = frame_wcs(run, camcol, number, band, self.shape)
        header = wcs.to_header()
        for key in list(header):
            if key.startswith("PC") or key.startswith("CDELT"):
                del header[key]
        for (i, j), value in np.ndenumerate(wcs.wcs.cd):
            header[f"CD{i + 1}_{j + 1}"] = value
        header["BUNIT"], header["TELESCOP"], header["NMGY"] = "nanomaggy", "2.5m", 0.0049
        header["RUN"], header["RERUN"], header["CAMCOL"] = run, "301", camcol
        header["FRAME"], header["FILTER"] = number + BAND_DELAY[band], band
        rng = np.random.default_rng([run, camcol, number, ord(band)])
        size = (self.shape.height, self.shape.width)
        grain = self.shape.packed_noise
        data = self.paint(wcs, size, band)
        data += grain * np.round(rng.normal(0, 0.02, size) / grain)
        return bz2.compress(
            _pack(data, header, fits.ImageHDU(np.full(size[1], 0.0049, np.float32))),
            self.shape.packing,
        )

    def cutout(self, ra: float, dec: float, size: int) -> bytes:
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval, wcs.wcs.crpix = [ra, dec], [(size + 1) / 2] * 2
        wcs.wcs.cdelt = [-SCALE_DEG, SCALE_DEG]
        # noise that belongs to the place, so that asking twice gives the same
        rng = np.random.default_rng([int(1e6 * ra), int(1e6 * (dec + 90))])
        planes = [self.paint(wcs, (size, size), band) for band in "gri"]
        header = wcs.to_header()
        header["BANDS"] = "gri"
        return _pack(np.stack(planes) + rng.normal(0, 0.01, (3, size, size)), header)


def _pack(data: np.ndarray, header: fits.Header, *more: fits.ImageHDU) -> bytes:
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(data.astype(np.float32), header), *more]).writeto(buffer)
    return buffer.getvalue()


def _make_tables(galaxies: list[Galaxy], rng) -> sqlite3.Connection:
    """Put the galaxies, and others that no cut may let through, into SkyServer's tables."""
    base = sqlite3.connect(":memory:", check_same_thread=False)
    lines = [f"{line}_flux{end}" for line in ("h_alpha", "h_beta", "nii_6584", "oiii_5007")
             for end in ("", "_err")]  # fmt: skip
    photo = [
        *("objID", "ra", "dec", "type", "mode", "run", "rerun", "camcol", "field"),
        *("petroMag_r", "petroRad_r", "petroR50_r", "petroR90_r"),
        *(f"{name}_{b}" for name in ("modelMag", "modelMagErr", "extinction") for b in BANDS),
    ]
    spec = [
        *("specObjID", "bestObjID", "plate", "z", "zWarning", "class", "legacy_target1"),
        *("velDisp", "velDispErr"),
    ]
    tables = {
        "PhotoObj": photo,
        "SpecObj": spec,
        "galSpecInfo": ["specObjID", "reliable"],
        "galSpecExtra": ["specObjID", "lgm_tot_p50", "sfr_tot_p50", "oh_p50"],
        "galSpecLine": ["specObjID", *lines],
    }
    for name, columns in tables.items():
        base.execute(f"CREATE TABLE {name} ({', '.join(columns)})")

    def insert(name: str, values: dict) -> None:
        row = [values.get(column) for column in tables[name]]
        base.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", row)

    wrong: list[dict] = [
        {"class": "QSO"}, {"class": "STAR"}, {"zWarning": 4}, {"z": 0.0021}, {"z": 0.31},
        {"legacy_target1": 32}, {"mode": 2}, {"type": 6}, {"petroMag_r": 17.95},
    ]  # fmt: skip
    for k in range(len(galaxies) + 4 * len(wrong)):
        galaxy = galaxies[k] if k < len(galaxies) else galaxies[int(rng.integers(len(galaxies)))]
        other = k - len(galaxies)
        shift = max(0, 1000 * (other + 1))  # of objIDs; their lower 16 bits are free
        values: dict = {
            "objID": galaxy.objid + shift, "bestObjID": galaxy.objid + shift,
            "specObjID": galaxy.spec + max(0, other + 1), "plate": galaxy.spec >> 50,
            "ra": galaxy.ra, "dec": galaxy.dec, "type": 3, "mode": 1, "run": galaxy.run,
            "rerun": 301, "camcol": galaxy.camcol, "field": galaxy.field,
            "petroMag_r": galaxy.magnitude + 0.1, "petroRad_r": galaxy.radius,
            "petroR50_r": 0.4 * galaxy.radius, "petroR90_r": galaxy.radius,
            "z": galaxy.redshift, "zWarning": 0, "class": "GALAXY",
            "legacy_target1": (64, 128 + 64, 256)[k % 3],
            **{f"modelMag_{b}": round(galaxy.magnitude + 0.1 + COLOURS[b], 5) for b in BANDS},
            **{f"modelMagErr_{b}": 0.02 for b in BANDS},
            **{f"extinction_{b}": 0.1 for b in BANDS},
            **galaxy.values,
            **(wrong[other % len(wrong)] if other >= 0 else {}),
        }  # fmt: skip
        insert("PhotoObj", values)
        insert("SpecObj", values)
        if galaxy.values["lgm_tot_p50"] is not None:
            for name in ("galSpecInfo", "galSpecExtra", "galSpecLine"):
                insert(name, values)
    return base


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address) -> None:
        """Say nothing of a client that was killed; tell anything else."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class SurveyReplay:
    """The services of a survey, each with a port of its own.

    Attributes
    ----------
    fault_share : float
        Part of the answers that are spoilt.
    down : set of str
        Services, or parts of an address, that answer 503.
    counts, sent_bytes : Counter
        Requests and bytes by service.
    latency_s, bytes_per_s : float
        What a distant server would add: wait, and speed of one connection.
    """

    def __init__(self, survey: Survey, seed: int = 1) -> None:
        self.survey = survey
        self.fault_share = 0.0
        self.down: set[str] = set()
        self.latency_s, self.bytes_per_s = 0.0, np.inf
        self.counts: Counter[str] = Counter()
        self.sent_bytes: Counter[str] = Counter()
        self.spoilt: Counter[str] = Counter()
        self._rng = np.random.default_rng(seed)
        self._lock = threading.Lock()
        self._servers = {name: self._start(name) for name in _ANSWERS}

    def _start(self, service: str) -> ThreadingHTTPServer:
        replay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                replay._serve(service, self)

            def log_message(self, *args) -> None:
                pass

        server = _Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server

    def url(self, service: str) -> str:
        """Return the address under which astroquery and the package look for a service."""
        path = {"sas": "/sas"}.get(service, "")
        return f"http://127.0.0.1:{self._servers[service].server_port}{path}"

    def reset(self) -> None:
        self.fault_share = 0.0
        self.down = set()
        self.counts.clear()
        self.sent_bytes.clear()
        self.spoilt.clear()

    def close(self) -> None:
        for server in self._servers.values():
            server.shutdown()
            server.server_close()

    def environment(self, folder: Path) -> dict[str, str]:
        """Return what points a process here, with a cache of its own."""
        urls = {f"GALEXPLORER_{name.upper()}_URL": self.url(name) for name in _ANSWERS}
        return {**urls, "GALEXPLORER_CACHE": str(folder / "cache")}

    def _serve(self, service: str, handler: BaseHTTPRequestHandler) -> None:
        with self._lock:
            self.counts[service] += 1
            spoil = self._rng.random() < self.fault_share
            fault = str(self._rng.choice(FAULTS)) if spoil else ""
            self.spoilt[fault] += bool(fault)
        if any(part == service or part in handler.path for part in self.down):
            fault = "503"
        status, body, kind = _ANSWERS[service](self.survey, handler.path)
        if fault.isdigit():
            status, body, kind = int(fault), HTML, "text/html"
        elif fault == "html":
            status, body, kind = 200, HTML, "text/html"
        elif fault == "wrong content":
            body = _wrong_content(service, self.survey, handler.path)
        elif fault in _SPOILERS:
            body = _SPOILERS[fault](body)
        time.sleep(self.latency_s + len(body) / self.bytes_per_s)
        self.sent_bytes[service] += len(body)
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", kind)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            if fault == "reset":
                handler.wfile.write(body[: len(body) // 2])
                handler.wfile.flush()
                linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                handler.connection.close()
                handler.close_connection = True
                return
            handler.wfile.write(body)
        except OSError:
            handler.close_connection = True


Answer = tuple[int, bytes, str]


def _answer_skyserver(survey: Survey, path: str) -> Answer:
    sql = parse_qs(urlsplit(path).query)["cmd"][0]
    near = re.search(r"fGetNearbyFrameEq\(([-\d.]+),([-\d.]+),([\d.]+)", sql)
    body = survey.footprints(*map(float, near.groups())) if near else survey.sql(sql)
    return 200, body, "text/plain"


def _answer_sas(survey: Survey, path: str) -> Answer:
    match = re.fullmatch(
        r"/sas/dr17/eboss/photoObj/frames/301/(\d+)/(\d)/frame-([gri])-(\d{6})-(\d)-(\d{4})\.fits\.bz2",
        path,
    )
    frame = None
    if match and int(match[1]) == int(match[4]) and match[2] == match[5]:
        frame = survey.frame(int(match[1]), int(match[2]), int(match[6]), match[3])
    return (200, frame, "application/x-bzip2") if frame else (404, HTML, "text/html")


def _answer_legacy(survey: Survey, path: str) -> Answer:
    query = {key: values[0] for key, values in parse_qs(urlsplit(path).query).items()}
    body = survey.cutout(float(query["ra"]), float(query["dec"]), int(query["size"]))
    return 200, body, "image/fits"


def _wrong_content(service: str, survey: Survey, path: str) -> bytes:
    """An answer that is whole and to another question, close to the one that was asked."""
    if service == "sas":
        number = re.search(r"-(\d{4})\.fits", path)
        if number is None:
            return HTML
        for step in (1, -1):
            other = path.replace(number[0], f"-{int(number[1]) + step:04d}.fits")
            status, body, _ = _answer_sas(survey, other)
            if status == 200:
                return body
        return HTML
    if service == "legacy":
        moved = re.sub(r"dec=([-\d.]+)", lambda m: f"dec={float(m[1]) + 0.002:.6f}", path)
        return _answer_legacy(survey, moved)[1]
    sql = parse_qs(urlsplit(path).query)["cmd"][0]
    if "fGetNearbyFrameEq" in sql:
        return b"a,b\n1,2\n"
    return survey.sql(re.sub(r"%2147483647<\d+", "%2147483647<2147483647", sql).replace(
        "s.zWarning=0", "s.zWarning>=0"))  # fmt: skip


_ANSWERS: dict[str, Callable[[Survey, str], Answer]] = {
    "skyserver": _answer_skyserver,
    "sas": _answer_sas,
    "legacy": _answer_legacy,
}
_SPOILERS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda body: b"",
    "truncated": lambda body: body[: len(body) // 2],
    "too long": lambda body: body * 10,
    "malformed": lambda body: bytes(reversed(body)),
}


def main() -> None:
    """Serve until interrupted, for trying things by hand."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--galaxies", type=int, default=200)
    parser.add_argument("--cache", type=Path, default=Path("runs"), help="Folder of the cache.")
    options = parser.parse_args()
    replay = SurveyReplay(Survey(options.galaxies))
    for name, value in replay.environment(options.cache).items():
        print(f"export {name}={value}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
