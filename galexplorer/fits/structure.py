"""What the headers of a FITS file promise, checked before astropy sees it.

astropy trusts what a header promises. The scan follows the FITS standard 4.0 (Pence et al. 2010,
A&A 524, A42) just far enough to know how many header blocks there are, that every data unit lies
inside the file, and how large a tile-compressed image becomes.
"""

import math
import re
from dataclasses import dataclass

from galexplorer.errors import InputError
from galexplorer.fits.bounded import Blob
from galexplorer.schema import IMAGE_BANDS

MAX_HEADER_BLOCKS = 256
MAX_UNITS = 64
MAX_AXES = 999  # of the standard, and of the columns of a table
MAX_PIXELS = 64_000_000
MIN_SIDE = 16

_BLOCK = 2880
_CARD = 80
_BITPIX = (8, 16, 32, 64, -32, -64)
_NUMBERS = re.compile(
    rb"(Z?BITPIX|Z?NAXIS\d{0,3}|ZTILE\d{1,3}|ZVAL\d{1,3}|PCOUNT|GCOUNT|TFIELDS)"
    rb"\s*= +([+-]?\d{1,70}) *(?:/.*)?",
    re.S,
)
_PACKINGS = ("RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "NOCOMPRESS")
"""HCOMPRESS_1 and PLIO_1 stay out: their decoders trust the sizes inside the stream."""
_RICE_SIZES = (1, 2, 4, 8, 16, 32, 64)
_NUL_TO_SPACE = bytes.maketrans(b"\0", b" ")


@dataclass(frozen=True)
class Unit:
    """Where one header and data unit lies, and what it promises.

    Attributes
    ----------
    kind : str
        ``IMAGE``, ``BINTABLE``, ``TABLE`` or another extension's name.
    shape : tuple of int
        Axes in numpy's order, the last fastest; those of the image where it is compressed.
    start : int
        Where its data begin, bytes.
    packing : str
        Algorithm of a tile-compressed image inside a table, else empty.
    tile_pixels : int
        Pixels of one tile of a compressed image.
    """

    kind: str
    shape: tuple[int, ...]
    start: int = 0
    packing: str = ""
    tile_pixels: int = 0

    @property
    def readable(self) -> bool:
        """Whether it is an image of two or three axes that this program unpacks."""
        return (
            self.kind == "IMAGE"
            and self.packing in ("", *_PACKINGS)
            and len(self.shape) in (2, 3)
            and min(self.shape[-2:]) >= MIN_SIDE
            and self.shape[0] > 0
        )


def scan(blob: Blob) -> tuple[list[Unit], bytes]:
    """Walk the header and data units.

    Parameters
    ----------
    blob : Blob

    Returns
    -------
    units : list of Unit
    data : bytes
        Up to the end of the last unit; NULs that pad a header are spaces.

    Raises
    ------
    InputError
        If a header is damaged, too long or promises more than is there, or if units are too many.
    """
    data, position, blocks = blob.data, 0, 0
    units: list[Unit] = []
    patches: dict[int, bytes] = {}
    while position < len(data):
        if units and data[position : position + 8] != b"XTENSION":
            break  # the standard allows special records after the last unit
        if len(units) == MAX_UNITS:
            raise InputError(
                f"{blob.name} has more than {MAX_UNITS} extensions: keep only g, r and i."
            )
        cards, position, blocks = _read_header(blob, position, blocks, patches)
        unit, size = _interpret(blob.name, cards, position)
        if position + size > len(data):
            raise InputError(
                f"{blob.name} is truncated: its header declares {position + size} bytes but only "
                f"{len(data)} are present: download it again."
            )
        units.append(unit)
        position += math.ceil(size / _BLOCK) * _BLOCK
    if not patches:
        return units, data[:position]
    mended = bytearray(data[:position])
    for start, block in patches.items():
        mended[start : start + _BLOCK] = block
    return units, bytes(mended)


def _read_header(
    blob: Blob, position: int, blocks: int, patches: dict[int, bytes]
) -> tuple[list[bytes], int, int]:
    cards: list[bytes] = []
    while True:
        raw = blob.data[position : position + _BLOCK]
        block = raw.translate(_NUL_TO_SPACE)
        blocks += 1
        if len(block) < _BLOCK:
            raise InputError(f"{blob.name} is truncated inside its header: download it again.")
        if blocks > MAX_HEADER_BLOCKS:
            raise InputError(
                f"{blob.name} has a header of more than {MAX_HEADER_BLOCKS * _BLOCK // 1000} kB: "
                "remove its HISTORY and COMMENT cards."
            )
        if block != raw:
            patches[position] = block
        position += _BLOCK
        for start in range(0, _BLOCK, _CARD):
            card = block[start : start + _CARD]
            if card.rstrip() == b"END":
                return cards, position, blocks
            cards.append(card)


def _interpret(name: str, cards: list[bytes], start: int) -> tuple[Unit, int]:
    """Return what a header promises and the size of its data in bytes."""
    values: dict[str, int] = {}
    for card in cards:
        if match := _NUMBERS.fullmatch(card):
            values.setdefault(match[1].decode(), int(match[2]))
    first = cards[0] if cards else b""
    kind = (
        first[10:].split(b"'")[1] if first.startswith(b"XTENSION") and b"'" in first else b"IMAGE"
    )
    axes = _axes(values, "NAXIS")
    if (
        axes is None
        or values.get("BITPIX") not in _BITPIX
        or values.get("PCOUNT", 0) < 0
        or values.get("GCOUNT", 1) < 0
        or not 0 <= values.get("TFIELDS", 0) <= MAX_AXES  # astropy counts up to it
    ):
        raise InputError(
            f"{name} has a FITS header without valid BITPIX, NAXIS and TFIELDS cards: export it "
            "again."
        )
    elements = math.prod(axes) if axes else 0
    if axes and axes[0] == 0 and b"GROUPS" in {card[:8].rstrip() for card in cards}:
        elements = math.prod(axes[1:])  # random groups
    stored = values.get("GCOUNT", 1) * (values.get("PCOUNT", 0) + elements)
    size = stored * abs(values["BITPIX"]) // 8
    if any(re.match(rb"ZIMAGE  = +T", card) for card in cards):
        return _interpret_tiles(name, cards, values, start), size
    label = kind.decode("ascii", "replace").strip().upper()
    return Unit(label, tuple(axes[::-1]), start), size


def _axes(values: dict[str, int], keyword: str) -> list[int] | None:
    """Return the lengths of all axes, None where they are missing or impossible."""
    count = values.get(keyword, -1)
    if not 0 <= count <= MAX_AXES:  # judged first: a header can promise a thousand million
        return None
    axes = [values.get(f"{keyword}{k}", -1) for k in range(1, count + 1)]
    return None if min(axes, default=0) < 0 else axes


def _interpret_tiles(name: str, cards: list[bytes], values: dict[str, int], start: int) -> Unit:
    axes = _axes(values, "ZNAXIS") or []
    tile = [values.get(f"ZTILE{k}", axis if k == 1 else 1) for k, axis in enumerate(axes, start=1)]
    found = [m for card in cards if (m := re.match(rb"ZCMPTYPE= +'([A-Z0-9_]+)", card))]
    packing = found[0][1].decode() if found else "unknown"
    if packing not in _PACKINGS:
        return Unit("IMAGE", tuple(axes[::-1]), start, packing)
    whole = bool(axes) and all(1 <= side <= axis for side, axis in zip(tile, axes, strict=True))
    rows = (
        math.prod(-(-axis // side) for side, axis in zip(tile, axes, strict=True)) if whole else 0
    )
    settings = [value for keyword, value in values.items() if keyword.startswith("ZVAL")]
    if (
        values.get("ZBITPIX") not in _BITPIX
        or rows != values.get("NAXIS2")
        or (packing.startswith("RICE") and not set(settings) <= set(_RICE_SIZES))
    ):
        raise InputError(f"{name} has contradictory cards of tile compression: export it again.")
    return Unit("IMAGE", tuple(axes[::-1]), start, packing, math.prod(tile))


def check_readable(name: str, units: list[Unit]) -> None:
    """Refuse a file without a readable image, each kind with its own sentence.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    units : list of Unit

    Raises
    ------
    InputError
        If images are too large, too small, of another shape, packed by an algorithm that is not
        read, or if there is none.
    """
    images = [unit for unit in units if unit.kind == "IMAGE" and unit.shape and 0 not in unit.shape]
    readable = [unit for unit in images if unit.readable]
    for unit in readable:
        height, width = unit.shape[-2:]
        if height * width > MAX_PIXELS:
            raise InputError(
                f"{name} is too large with {width} x {height} pixels: cut out a field of at most "
                f"{MAX_PIXELS // 1_000_000} megapixels around the galaxy."
            )
    if sum(math.prod(unit.shape) for unit in readable) > len(IMAGE_BANDS) * MAX_PIXELS:
        raise InputError(f"{name} holds too many large images: keep only g, r and i.")
    if readable:
        return
    for unit in images:
        if unit.packing not in ("", *_PACKINGS):
            raise InputError(
                f"{name} is tile-compressed with {unit.packing} (card ZCMPTYPE): "
                "unpack it with funpack first."
            )
        if len(unit.shape) == 3 and unit.shape[2] in (3, 4) and min(unit.shape[:2]) >= MIN_SIDE:
            raise InputError(
                f"{name} has its planes on the first axis (NAXIS1 = {unit.shape[2]}), as a colour "
                "picture has: give a cube of shape (3, height, width) with the bands g, r, i."
            )
    small = [unit for unit in images if len(unit.shape) in (2, 3)]
    if small:
        height, width = small[0].shape[-2:]
        raise InputError(
            f"{name} is too small with {width} x {height} pixels: "
            f"give a field of at least {MIN_SIDE} x {MIN_SIDE} pixels."
        )
    if images:
        shape = " x ".join(map(str, images[0].shape))
        axes = len(images[0].shape)
        raise InputError(
            f"{name} holds an array of {axes} {'axis' if axes == 1 else 'axes'} ({shape}): "
            "give a cube of shape (3, height, width) with the bands g, r, i, "
            "or three images of shape (height, width)."
        )
    if any(unit.kind in ("BINTABLE", "TABLE") for unit in units):
        raise InputError(f"{name} holds tables and no image: give an image in g, r and i.")
    raise InputError(f"{name} holds no image: give an image in g, r and i.")
