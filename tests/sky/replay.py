"""A real HTTP server that speaks what the sky services speak, and misbehaves on demand.

Every service has a port of its own on 127.0.0.1, so that one can be down while others answer.
The frames are real ones where the data folder has them; others, of the same structure, are made.

    python tests/sky/replay.py --fault sas=silence > addresses &   # until it is killed
    . ./addresses && galexplorer fetch "Haro 25" --out cubes
"""

import argparse
import bz2
import io
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.coordinates.name_resolve import sesame_url
from astropy.io import fits
from astropy.wcs import WCS
from astroquery.hips2fits import hips2fits
from astroquery.ipac.irsa.irsa_dust import IrsaDust
from astroquery.ipac.ned import Ned
from astroquery.sdss import conf as sdss_conf
from PIL import Image

SERVICES = ("sesame", "ned", "skyserver", "sas", "legacy", "hips", "irsa")
PATHS = {
    "sesame": "/sesame/", "ned": "/objsearch", "skyserver": "", "sas": "/sas", "legacy": "",
    "hips": "/hips2fits", "irsa": "/nph-dust",
}  # fmt: skip
FAULTS = (
    *("refused", "reset", "silence", "429", "500", "503 once", "404", "html", "empty"),
    *("truncated", "too long", "malformed", "wrong content"),
)

RUN, CAMCOL, FIELD = 5112, 4, 345
FRAMES = {
    # run, camera column, field: node and inclination of the great circle, and the centre
    (RUN, CAMCOL, FIELD - 1): (95.0, 27.5, 162.015205, 25.927154),
    (RUN, CAMCOL, FIELD): (95.0, 27.5, 162.178984, 25.954041),
    (RUN, CAMCOL, FIELD + 1): (95.0, 27.5, 162.342838, 25.980744),
    (5140, 3, 97): (95.0, 30.0, 162.150, 26.150),  # beyond the edge of the column, a little turned
}  # fmt: skip
HARO25_OBJID = (2 << 59) | (301 << 48) | (RUN << 32) | (CAMCOL << 29) | (FIELD << 16) | 33
EBV_SFD = 0.05
"""Reddening that the dust service tells, everywhere."""

HTML = b"<html><head>\n<title>Service unavailable</title></head><body>Sorry</body></html>\n"


@dataclass
class Thing:
    """One row of the catalogue; what is absent is null, as in SkyServer's answers."""

    objid: int
    ra: float
    dec: float
    type: int = 3
    name: str = ""
    magnitude: float = 16.0
    petro_radius: float = 8.0
    number: int = FIELD
    values: dict[str, object] = field(default_factory=dict)

    def column(self, name: str) -> object:
        band = {"u": 1.4, "g": 0.4, "r": 0.0, "i": -0.3, "z": -0.5}
        known: dict[str, object] = {
            "objID": self.objid, "ra": self.ra, "dec": self.dec, "type": self.type,
            "run": RUN, "rerun": 301, "camcol": CAMCOL, "field": self.number,
            "petroRad_r": self.petro_radius, "petroR50_r": 0.35 * self.petro_radius,
            "petroR90_r": 0.8 * self.petro_radius,
            **{f"modelMag_{b}": self.magnitude + offset for b, offset in band.items()},
            **{f"modelMagErr_{b}": 0.02 for b in band},
            **{f"extinction_{b}": 0.1 for b in band},
            **self.values,
        }  # fmt: skip
        return known.get(name, "null")


HARO25 = Thing(
    HARO25_OBJID, 162.18416, 26.05369, name="haro 25", magnitude=15.2,
    values={
        "z_spec": 0.0258, "z_err": 1e-5, "z_warning": 0, "spec_class": "GALAXY",
        "spec_subclass": "STARBURST", "vel_disp": 90.0, "vel_disp_err": 9.0, "lgm_tot_p50": 9.4,
        "sfr_tot_p50": 0.3, "oh_p50": 8.6, "h_alpha_flux": 1000.0, "h_alpha_flux_err": 9.0,
        "h_beta_flux": 300.0, "h_beta_flux_err": 5.0, "nii_6584_flux": 150.0,
        "nii_6584_flux_err": 4.0, "oiii_5007_flux": 3.0, "oiii_5007_flux_err": 2.0,
    },
)  # fmt: skip
THINGS = (
    HARO25,
    Thing(HARO25_OBJID + 1, 162.1810, 26.0333, name="dwarf", magnitude=18.0, petro_radius=5.0),
    Thing(HARO25_OBJID + 2, 162.1700, 25.9500, type=6, name="star", magnitude=14.0),
    Thing(
        HARO25_OBJID + 3, 162.2000, 25.9000, name="far", magnitude=19.0,
        values={"z_spec": 0.41, "z_warning": 0, "spec_class": "GALAXY"},
    ),
    Thing(HARO25_OBJID + 4, 162.30, 25.80, name="lonely", values={"z_spec": 0.1, "z_warning": 4}),
    Thing(HARO25_OBJID + 6, 162.20186, 26.05125, name="seam", magnitude=16.5),
    Thing(HARO25_OBJID + 5, 162.1036, 26.0556, name="edge", magnitude=17.5),
    Thing(HARO25_OBJID + 7, 162.18150, 26.06862, name="rim", magnitude=16.0),
)  # fmt: skip


class Sky:
    """What the services know: names, a catalogue, frames."""

    def __init__(self, data_dir: Path | None, small: bool) -> None:
        self.data_dir = data_dir
        self.small = small
        self.names = {thing.name: (thing.ra, thing.dec) for thing in THINGS}
        self.names["nowhere"] = (200.0, -60.0)
        self._frames: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def frame(self, name: str) -> bytes | None:
        match = re.fullmatch(r"frame-([gri])-(\d{6})-(\d)-(\d{4})\.fits\.bz2", name)
        key = tuple(int(part) for part in match.groups()[1:]) if match else ()
        if match is None or key not in FRAMES:
            return None
        with self._lock:
            if name not in self._frames:
                real = self.data_dir / "fits" / name if self.data_dir else None
                if real and real.exists():
                    self._frames[name] = real.read_bytes()
                else:
                    self._frames[name] = make_frame(match[1], key, self.small)
        return self._frames[name]

    def make_all_frames(self) -> None:
        for band in "gri":
            for run, camcol, number in FRAMES:
                self.frame(f"frame-{band}-{run:06d}-{camcol}-{number:04d}.fits.bz2")

    def cutout(self, ra: float, dec: float, size: int) -> tuple[np.ndarray, WCS]:
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval, wcs.wcs.crpix = [ra, dec], [(size + 1) / 2] * 2
        wcs.wcs.cdelt = [-0.396 / 3600, 0.396 / 3600]
        rng = np.random.default_rng(1)
        return paint(wcs, (size, size)) + rng.normal(0, 0.01, (3, size, size)), wcs


def paint(wcs: WCS, shape: tuple[int, int]) -> np.ndarray:
    """Exponential discs at the places of the catalogue, nanomaggies, bands g, r, i."""
    image = np.zeros((3, *shape))
    for thing in THINGS:
        x, y = (float(v) for v in wcs.world_to_pixel_values(thing.ra, thing.dec))
        if not np.isfinite([x, y]).all():
            continue  # on the other side of the sky
        reach = 100
        columns = np.arange(max(0, int(x) - reach), min(shape[1], int(x) + reach))
        rows = np.arange(max(0, int(y) - reach), min(shape[0], int(y) + reach))
        if not len(columns) or not len(rows):
            continue
        scale = thing.petro_radius / 3 / 0.396
        profile = np.exp(-np.hypot(columns[None] - x, rows[:, None] - y) / scale)
        flux = 10 ** (0.4 * (22.5 - thing.magnitude)) / (2 * np.pi * scale**2)
        spot = np.ix_(range(3), rows, columns)
        image[spot] += np.array([0.7, 1.0, 1.3])[:, None, None] * flux * profile
    return image


def make_frame(band: str, key: tuple[int, int, int], small: bool = False) -> bytes:
    """Make a frame as the archive has them; fields follow the real one along the rows.

    A small one is a window around Haro 25, for tests that look at what is around the pixels.
    """
    run, camcol, number = key
    offset = {"g": (3.0, -2.0), "r": (0.0, 0.0), "i": (1.0, 1.0)}[band]
    header = fits.Header()
    header["CTYPE1"], header["CTYPE2"] = "RA---TAN", "DEC--TAN"
    header["CRPIX1"], header["CRPIX2"] = 1025.0 + offset[0], 745.0 + offset[1]
    if run == RUN:
        header["CRVAL1"], header["CRVAL2"] = 162.178984496, 25.9540410877
        header["CRPIX2"] -= 1361.0 * (number - FIELD)
        header["CD1_1"], header["CD1_2"] = -1.96902082716e-05, 0.000108225692132
        header["CD2_1"], header["CD2_2"] = 0.000108229597025, 1.96876928026e-05
        corner = (1700, 798 + 270 * (number - FIELD) - 1361 * (number - FIELD))
    else:
        node, incl, ra, dec = FRAMES[key]
        header["CRVAL1"], header["CRVAL2"] = ra, dec
        # Columns run towards the pole of the great circle, rows along the circle.
        pole = SkyCoord(node - 90, 90 - incl, unit="deg")
        angle = SkyCoord(ra, dec, unit="deg").position_angle(pole).rad
        step = 0.396 / 3600
        header["CD1_1"], header["CD2_1"] = step * np.sin(angle), step * np.cos(angle)
        header["CD1_2"], header["CD2_2"] = step * np.cos(angle), -step * np.sin(angle)
        x, y = WCS(header).world_to_pixel_values(162.18150, 26.06862)
        corner = (int(x) - 174, int(y) - 150)
    header["BUNIT"], header["TELESCOP"], header["NMGY"] = "nanomaggy", "2.5m", 0.0049
    header["RUN"], header["RERUN"], header["CAMCOL"] = run, "301", camcol
    header["FRAME"], header["FILTER"] = number + {"g": 8, "r": 0, "i": 2}[band], band
    rng = np.random.default_rng(number)
    shape = (1489, 2048)
    if small:
        header["CRPIX1"] -= corner[0]
        header["CRPIX2"] -= corner[1]
        shape = (300, 348)
    data = paint(WCS(header), shape)["gri".index(band)]
    # Coarse noise keeps the packed file small, and the packing quick.
    data += np.round(rng.normal(0, 0.02, data.shape), 2)
    hdus = [
        fits.PrimaryHDU(data.astype(np.float32), header),
        fits.ImageHDU(np.full(2048, 0.0049, np.float32)),
    ]
    buffer = io.BytesIO()
    fits.HDUList(hdus).writeto(buffer)
    return bz2.compress(buffer.getvalue(), 1)


Answer = tuple[int, bytes, str]


class Replay:
    """The servers of all services.

    Attributes
    ----------
    faults : dict of str to str
        By service, one of `FAULTS`.
    missing : set of int
        Fields whose frames are not there.
    counts : Counter
        Requests by service.
    sky_offset : float
        Added to the frames of `offset_run`, nanomaggies per pixel.
    """

    def __init__(
        self, data_dir: Path | None = None, silence_s: float = 3.0, small: bool = False
    ) -> None:
        self.sky = Sky(data_dir, small)
        self.silence_s = silence_s
        self.faults: dict[str, str] = {}
        self.missing: set[int] = set()
        self.sky_offset, self.offset_run = 0.0, RUN
        self.counts: Counter[str] = Counter()
        self.asked: list[str] = []
        self._servers = {name: self._start(name) for name in SERVICES}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._closed_port = probe.getsockname()[1]

    def _start(self, service: str) -> ThreadingHTTPServer:
        replay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                replay._serve(service, self, self.path)

            def do_POST(self) -> None:
                form = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                replay._serve(service, self, f"{self.path}?{form.decode()}")

            def log_message(self, *args) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server

    def close(self) -> None:
        for server in self._servers.values():
            server.shutdown()
            server.server_close()

    def url(self, service: str) -> str:
        refused = self.faults.get(service) == "refused"
        port = self._closed_port if refused else self._servers[service].server_port
        return f"http://127.0.0.1:{port}{PATHS[service]}"

    def environment(self) -> dict[str, str]:
        """Return the variables that point another process here."""
        return {f"GALEXPLORER_{name.upper()}_URL": self.url(name) for name in SERVICES}

    def reset(self) -> None:
        self.faults.clear()
        self.missing = set()
        self.sky_offset, self.offset_run = 0.0, RUN
        self.counts.clear()
        self.asked.clear()

    @contextmanager
    def configured(self) -> Iterator[None]:
        """Point astropy and astroquery here, through their own configuration."""
        with ExitStack() as stack:
            enter = stack.enter_context
            enter(sesame_url.set([self.url("sesame")]))
            enter(sdss_conf.set_temp("skyserver_baseurl", self.url("skyserver")))
            enter(sdss_conf.set_temp("sas_baseurl", self.url("sas")))
            # These take a server of their own institute in `conf`, any other as an attribute.
            before = hips2fits.server, Ned.OBJ_SEARCH_URL, IrsaDust.DUST_SERVICE_URL
            hips2fits.server = self.url("hips")
            Ned.OBJ_SEARCH_URL = self.url("ned")
            IrsaDust.DUST_SERVICE_URL = self.url("irsa")
            try:
                yield
            finally:
                hips2fits.server, Ned.OBJ_SEARCH_URL, IrsaDust.DUST_SERVICE_URL = before

    def _serve(self, service: str, handler: BaseHTTPRequestHandler, path: str) -> None:
        self.counts[service] += 1
        self.asked.append(f"{service} {path}")
        fault = self.faults.get(service, "")
        if fault == "503 once":
            fault = "503" if self.counts[service] == 1 else ""
        if fault == "silence":
            time.sleep(self.silence_s)
            handler.close_connection = True
            return
        status, body, kind = _ANSWERS[service](self.sky, path)
        if service == "sas" and any(f"{n:04d}.fits" in path for n in self.missing):
            fault = "404"
        if service == "sas" and self.sky_offset and f"-{self.offset_run:06d}-" in path:
            body = _offset(body, self.sky_offset)
        if fault.isdigit():
            status, body, kind = int(fault), HTML, "text/html"
        elif fault == "html":
            status, body, kind = 200, HTML, "text/html"
        elif fault in _SPOILERS:
            body = _SPOILERS[fault](body)
        elif fault == "wrong content":
            body = _wrong_content(service, self.sky, path)
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


def _answer_sesame(sky: Sky, path: str) -> Answer:
    name = unquote(path.partition("?")[2]).lower()
    lines = [f"# {name}\t#Q1", "#=S=Simbad (via url):    1"]
    if name in sky.names:
        ra, dec = sky.names[name]
        lines += ["%C.0 G", f"%J {ra:.6f} {dec:+.6f} = 10:48:44.2 +26:03:13", "%I.0 " + name]
    else:
        lines += ["#!SIMBAD: No known catalog could be found", "#! *** Nothing found ***"]
    return 200, "\n".join([*lines, "#====Done====", ""]).encode(), "text/plain"


def _answer_ned(sky: Sky, path: str) -> Answer:
    name = parse_qs(urlsplit(path).query)["objname"][0].lower()
    head = (
        '<?xml version="1.0"?>\n<VOTABLE version="1.1"><RESOURCE type="results">'
        '<INFO name="QUERY_STATUS" value="OK"/>'
        '<PARAM name="queryDateTime" datatype="char" arraysize="*" value="2013"/>'
    )
    if name in sky.names:
        ra, dec = sky.names[name]
        body = (
            '<TABLE name="Main"><FIELD name="Object Name" datatype="char" arraysize="30"/>'
            '<FIELD name="RA" datatype="double" unit="deg"/>'
            '<FIELD name="DEC" datatype="double" unit="deg"/>'
            f"<DATA><TABLEDATA><TR><TD>{name}</TD><TD>{ra}</TD><TD>{dec}</TD></TR>"
            "</TABLEDATA></DATA></TABLE>"
        )
    else:
        body = '<PARAM name="Error" value="The name is not currently recognized by NED."/>'
    return 200, f"{head}{body}</RESOURCE></VOTABLE>".encode(), "text/xml"


def _answer_skyserver(sky: Sky, path: str) -> Answer:
    query = parse_qs(urlsplit(path).query)
    sql = query["cmd"][0]
    wanted = sql[sql.index("SELECT") : sql.index("FROM")]
    name = r"(?:\w+\.(\w+)(?: AS (\w+))?|(?:[\d.]+|COUNT\(\*\) OVER \(\)) AS (\w+))(?=,|\s*$)"
    names = re.findall(name, wanted)
    columns = [alias or bare or name for name, alias, bare in names]
    rows: list[tuple[float, Thing | dict[str, object]]] = []
    if near := re.search(r"fGetNearbyObjEq\(([-\d.]+),([-\d.]+),([\d.]+)\)", sql):
        ra, dec, radius = (float(value) for value in near.groups())
        rows = [(_distance(thing.ra, thing.dec, ra, dec), thing) for thing in THINGS]
        rows = [row for row in rows if row[0] <= radius]
    elif equal := re.search(r"objID = (\d+)\s*$", sql):
        rows = [(0.0, thing) for thing in THINGS if thing.objid == int(equal[1])]
    elif near := re.search(r"fGetNearbyFrameEq\(([-\d.]+),([-\d.]+),([\d.]+),0\)", sql):
        ra, dec, radius = (float(value) for value in near.groups())
        for (run, camcol, number), (node, incl, *centre) in FRAMES.items():
            values = {"run": run, "rerun": 301, "camcol": camcol, "field": number, "node": node}
            values |= {"incl": incl, "ra": centre[0], "dec": centre[1]}
            rows.append((_distance(*centre, ra, dec), values))
        rows = [row for row in rows if row[0] <= radius]
    lines = ["#Table1", ",".join(columns)]
    for distance, thing in sorted(rows, key=lambda pair: pair[0]):
        extra = {"distance": distance, "total": len(rows)}
        lines.append(",".join(str(_cell(thing, extra, name)) for name in columns))
    return 200, "\n".join([*lines, ""]).encode(), "text/plain"


def _distance(ra: float, dec: float, ra0: float, dec0: float) -> float:
    return 60 * float(np.hypot((ra - ra0) * np.cos(np.radians(dec0)), dec - dec0))


def _cell(thing: "Thing | dict[str, object]", extra: dict[str, float], name: str) -> object:
    if name in extra:
        return extra[name]
    return thing[name] if isinstance(thing, dict) else thing.column(name)


def _answer_sas(sky: Sky, path: str) -> Answer:
    match = re.fullmatch(r"/sas/dr17/eboss/photoObj/frames/301/\d+/\d/(frame-[^/]+)", path)
    frame = sky.frame(match[1]) if match else None
    if frame is None:
        return 404, HTML, "text/html"
    return 200, frame, "application/x-bzip2"


def _offset(body: bytes, level: float) -> bytes:
    """Lift the sky of a frame."""
    with fits.open(io.BytesIO(bz2.decompress(body))) as hdus:
        hdus[0].data += np.float32(level)
        buffer = io.BytesIO()
        hdus.writeto(buffer)
    return bz2.compress(buffer.getvalue(), 1)


def _answer_legacy(sky: Sky, path: str) -> Answer:
    query = {key: values[0] for key, values in parse_qs(urlsplit(path).query).items()}
    if urlsplit(path).path.endswith("/jpeg-cutout"):
        return 200, _picture(int(query["size"])), "image/jpeg"
    flux, wcs = sky.cutout(float(query["ra"]), float(query["dec"]), min(int(query["size"]), 3000))
    header = wcs.to_header()
    header["BANDS"] = query["bands"]
    return 200, _pack(flux, header), "image/fits"


def _picture(size: int) -> bytes:
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    light = 220 * np.exp(-np.hypot(x, y) / (0.15 * size))
    buffer = io.BytesIO()
    levels = light[:, :, None] * np.array([1.0, 0.8, 0.6])
    Image.fromarray(levels.astype(np.uint8)).save(buffer, format="JPEG", quality=90)
    return buffer.getvalue()


def _answer_hips(sky: Sky, path: str) -> Answer:
    query = {key: values[0] for key, values in parse_qs(urlsplit(path).query).items()}
    band = query["hips"][-1]
    flux, wcs = sky.cutout(float(query["ra"]), float(query["dec"]), int(query["width"]))
    return 200, _pack(flux["gri".index(band)], wcs.to_header()), "image/fits"


def _answer_irsa(sky: Sky, path: str) -> Answer:
    """As IRSA's answer, with the reddening of `EBV_SFD` everywhere."""
    place = parse_qs(urlsplit(path).query)["locstr"][0]
    reddening = f"""<result><desc> E(B-V) Reddening </desc>
      <data><image> http://irsa/a.fits </image><table> http://irsa/a.tbl </table></data>
      <statistics><refCoordinate> {place} equ J2000 </refCoordinate>"""
    for name in ("refPixelValue", "meanValue", "std", "maxValue", "minValue"):
        for scale, factor in (("SandF", 0.86), ("SFD", 1.0)):
            value = factor * EBV_SFD * (0.05 if name == "std" else 1.0)
            reddening += f"<{name}{scale}> {value:.4f} (mag) </{name}{scale}>"
    reddening += "</statistics></result>"
    others = "".join(
        f"""<result><desc> {what} </desc><data><image> http://irsa/b.fits </image></data>
        <statistics><refPixelValue> {value} ({unit}) </refPixelValue>
        <refCoordinate> {place} equ J2000 </refCoordinate><meanValue> {value} ({unit}) </meanValue>
        <std> 0.1 ({unit}) </std><maxValue> {value} ({unit}) </maxValue>
        <minValue> {value} ({unit}) </minValue></statistics></result>"""
        for what, value, unit in (
            ("100 Micron Emission", 1.2, "MJy/sr"), ("Dust Temperature", 17.6, "K"),
        )
    )  # fmt: skip
    body = f"""<?xml version="1.0"?><results status="ok"><input><objname> {place} equ J2000
      </objname><regSize> 5.0 deg </regSize></input>{reddening}{others}</results>"""
    return 200, body.encode(), "text/xml"


def _pack(flux: np.ndarray, header: fits.Header) -> bytes:
    buffer = io.BytesIO()
    fits.PrimaryHDU(flux.astype(np.float32), header).writeto(buffer)
    return buffer.getvalue()


def _wrong_content(service: str, sky: Sky, path: str) -> bytes:
    """An answer that is whole and to another question."""
    if service == "sas":
        return sky.frame(f"frame-r-{RUN:06d}-{CAMCOL}-{FIELD + 1:04d}.fits.bz2") or b""
    if service in ("legacy", "hips"):
        flux, wcs = sky.cutout(162.19, 26.06, 203)  # of the right size, half an arcmin away
        return _pack(flux if service == "legacy" else flux[0], wcs.to_header())
    if service == "skyserver":
        query = parse_qs(urlsplit(path).query)
        near = re.sub(r"Eq\([^,]+,[^,]+,", "Eq(162.2,25.9,", query["cmd"][0])
        return _answer_skyserver(sky, "/?" + urlencode({"cmd": near}))[1]
    if service == "irsa":
        return _answer_irsa(sky, "/?" + urlencode({"locstr": "10.0 20.0"}))[1]
    return b"a,b\n1,2\n"


_ANSWERS: dict[str, Callable[[Sky, str], Answer]] = {
    "sesame": _answer_sesame,
    "ned": _answer_ned,
    "skyserver": _answer_skyserver,
    "sas": _answer_sas,
    "legacy": _answer_legacy,
    "hips": _answer_hips,
    "irsa": _answer_irsa,
}
_SPOILERS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda body: b"",
    "truncated": lambda body: body[: len(body) // 2],
    "too long": lambda body: body * 10,
    "malformed": lambda body: bytes(reversed(body)),
}


def main() -> None:
    """Serve until killed, the addresses printed as shell variables."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, help="folder with real frames in fits/")
    parser.add_argument("--small", action="store_true", help="make small frames, quicker")
    parser.add_argument("--fault", action="append", default=[], metavar="SERVICE=FAULT")
    parser.add_argument("--silence", type=float, default=30.0, help="seconds of a silence")
    options = parser.parse_args()
    faults = dict(item.split("=", 1) for item in options.fault)
    if not (set(faults) <= set(SERVICES) and set(faults.values()) <= set(FAULTS)):
        parser.error(f"services: {', '.join(SERVICES)}; faults: {', '.join(FAULTS)}")
    replay = Replay(options.data, options.silence, options.small)
    replay.faults |= faults
    for name, address in replay.environment().items():
        print(f"export {name}={address}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
