"""Damage to bytes and texts: what a broken disk, a wrong program or an enemy would make of them.

Everything follows from the generator that is handed down, so that a number names a case for good.
"""

from collections.abc import Callable, Sequence

import numpy as np

EXTREMES = (
    *(b"", b"0", b"-1", b"1", b"2147483647", b"-2147483648", b"9223372036854775807"),
    *(b"18446744073709551616", b"1e308", b"-1e308", b"1e-320", b"nan", b"inf", b"-inf", b"NULL"),
    *(b"999999999999999999999999", b"0x7fffffff", b"1_5", b"1,5", b"T", b"'", b'"', b"\0"),
    *(b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", "−5".encode(), "１２".encode(), b"%s%n"),
    *(b"../../etc/passwd", b"file:///etc/passwd", b"http://127.0.0.1:9/", b"<!ENTITY a 'b'>"),
    *(b"!!python/object/apply:os.system ['id']", b"&a [*a]", b"{}", b"[[[[[[", b"\n", b"\r", b","),
)  # fmt: skip
"""What libraries have stumbled over."""

CARDS = (
    *("SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "PCOUNT", "GCOUNT", "BSCALE"),
    *("BZERO", "BLANK", "TFIELDS", "TFORM1", "TFORM2", "TTYPE1", "TTYPE2", "TDIM1", "TNULL1"),
    *("TSCAL1", "TZERO1", "TUNIT1", "TUNIT2", "TDISP1", "EXTNAME", "XTENSION", "CTYPE1", "CTYPE2"),
    *("CRVAL1", "CRPIX1", "CD1_1", "CD1_2", "CD2_2", "CDELT1", "CDELT2", "CUNIT1", "BUNIT"),
    *("PHOTFLAM", "MAGZERO", "EXPTIME", "ZIMAGE", "ZCMPTYPE", "ZTILE1", "ZBITPIX", "ZNAXIS1"),
    *("THEAP", "END", "GXMETA", "BANDS", "FILTER", "RADESYS", "EQUINOX", "TELESCOP", "ZQUANTIZ"),
)  # fmt: skip

Mutate = Callable[[bytes, np.random.Generator], bytes]


def mutate(content: bytes, rng: np.random.Generator, kinds: Sequence[Mutate] = ()) -> bytes:
    """Return bytes after one to four kinds of damage."""
    choices = (*GENERAL, *kinds, *kinds)  # what knows the format finds more
    for _ in range(min(int(rng.geometric(0.6)), 4)):
        content = choices[rng.integers(len(choices))](content, rng)
    return content


def _place(content: bytes, rng: np.random.Generator) -> int:
    """Choose a place; headers are where formats begin, so half of the time it is early or late."""
    size = len(content)
    if size == 0:
        return 0
    reach = min(size, 4096)
    side = rng.random()
    if side < 0.35:
        return int(rng.integers(reach))
    return int(rng.integers(size - reach, size)) if side < 0.5 else int(rng.integers(size))


def flip_bits(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 9))):
        if changed:
            changed[_place(content, rng)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def write_bytes(content: bytes, rng: np.random.Generator) -> bytes:
    at, number = _place(content, rng), int(rng.choice([1, 2, 4, 8, 64]))
    value = rng.choice([b"\0", b"\xff", b"\x7f", b"\x80", rng.bytes(1)])
    return content[:at] + bytes(value)[:1].ljust(1, b"\0") * number + content[at + number :]


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: _place(content, rng)]


def leave_out(content: bytes, rng: np.random.Generator) -> bytes:
    at = _place(content, rng)
    return content[:at] + content[at + int(rng.integers(1, 3000)) :]


def insert(content: bytes, rng: np.random.Generator) -> bytes:
    at = _place(content, rng)
    return content[:at] + EXTREMES[rng.integers(len(EXTREMES))] + content[at:]


def repeat(content: bytes, rng: np.random.Generator) -> bytes:
    at, size = _place(content, rng), int(rng.choice([1, 16, 80, 2880]))
    return content[:at] + content[at : at + size] * int(rng.choice([2, 3, 30])) + content[at:]


def swap(content: bytes, rng: np.random.Generator) -> bytes:
    first, last = sorted((_place(content, rng), _place(content, rng)))
    size = int(rng.choice([1, 4, 80]))
    if last - first < size:
        return content
    between = content[first + size : last]
    return (
        content[:first] + content[last : last + size] + between
        + content[first : first + size] + content[last + size :]
    )  # fmt: skip


def replace_number(content: bytes, rng: np.random.Generator) -> bytes:
    """Put an extreme in the place of a run of digits."""
    digits = b"0123456789"
    at = start = _place(content, rng)
    while at < min(len(content), start + 2000) and content[at] not in digits:
        at += 1
    end = at
    while end < len(content) and content[end] in digits + b".eE+-" and end - at < 40:
        end += 1
    return content[:at] + EXTREMES[rng.integers(len(EXTREMES))] + content[end:]


def write_card(content: bytes, rng: np.random.Generator) -> bytes:
    """Write a FITS card over another, or put another value on one that is there."""
    name = CARDS[rng.integers(len(CARDS))].encode()
    value = EXTREMES[rng.integers(len(EXTREMES))]
    if rng.random() < 0.3:
        value = b"'" + value + b"'"
    at = content.find(name.ljust(8) + b"=")
    if at < 0 or rng.random() < 0.2:
        at = _place(content, rng) // 80 * 80
    card = (name.ljust(8) + b"= " + value.rjust(20))[:80].ljust(80)
    return content[:at] + card + content[at + 80 :]


def cross_lines(content: bytes, rng: np.random.Generator) -> bytes:
    """Drop, double or exchange lines of a text, or what stands between its separators."""
    mark = [b"\n", b",", b"\t", b"<", b" "][rng.integers(5)]
    parts = content.split(mark, 3000)
    if len(parts) < 3:
        return content
    a, b = (int(k) for k in rng.integers(len(parts), size=2))
    what = rng.integers(4)
    if what == 0:
        del parts[a]
    elif what == 1:
        parts.insert(b, parts[a])
    elif what == 2:
        parts[a], parts[b] = parts[b], parts[a]
    else:
        parts[a] = EXTREMES[rng.integers(len(EXTREMES))]
    return mark.join(parts)


def write_integer(content: bytes, rng: np.random.Generator) -> bytes:
    """Write a binary size such as formats put before what they hold."""
    at, size = _place(content, rng), int(rng.choice([2, 4, 8]))
    value = int(rng.choice([0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**62]))
    order = "little" if rng.random() < 0.5 else "big"
    written = (value % 2 ** (8 * size)).to_bytes(size, order)
    return content[:at] + written + content[at + size :]


GENERAL: tuple[Mutate, ...] = (
    *(flip_bits, write_bytes, cut, leave_out, insert, repeat, swap, replace_number),
)  # fmt: skip
"""For bytes of any kind."""

OF_FITS = (write_card, write_card)
OF_TEXT = (cross_lines, replace_number)
OF_BINARY = (write_integer, flip_bits)
