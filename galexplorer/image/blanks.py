"""Pixels that were not measured, though the file has a number for them."""

import numpy as np

from galexplorer.fits.images import FitsImage
from galexplorer.fits.zero_points import read_number

_HUGE = 1e20
_SENTINELS = (-99.0, -999.0, -9999.0, -99999.0, -32768.0, -32767.0, -2147483648.0)
_CARDS = ("BLANK", "NODATA", "FILLVAL", "BADVAL", "BADPIX", "MASKVAL")
_SIGMA = 10.0
_CHANCE = 10.0
_COARSE = 0.2  # of all pixels, once rounded: a hole filled with that value does no harm
_MAX_VALUES = 3
_MANY_VALUES = 8
_MIN_PIXELS = 16
_SATURATED = 0.2
_CLIPPED_SIGMA, _CLIPPED_SHARE = 2.5, 0.01
_MOST_CLIPPED = 0.1


def find_blanks(image: FitsImage) -> tuple[np.ndarray, tuple[str, ...]]:
    """Find pixels that hold a fill value: runs of one exact number, and known sentinels.

    Noise does not repeat a number over three by three pixels, or nine in a row. Values that were
    rounded do: a run counts where it is ten times likelier than chance among the other pixels.
    The flat tops of saturated stars and skies that were clipped at a level are left alone.

    Parameters
    ----------
    image : FitsImage
        Of one plane.

    Returns
    -------
    blank : ndarray of bool, shape (H, W)
    notes : tuple of str
        A sentence for each value.
    """
    data = image.data
    blank = np.abs(data) >= _HUGE
    # astropy sees to BLANK where it belongs, in whole numbers
    cards = _CARDS if str(image.cards.get("BITPIX", "-32")).startswith("-") else _CARDS[1:]
    stated = [read_number(image.cards.get(card)) for card in cards]
    finite = np.isfinite(data) & ~blank
    if not finite.any():
        return blank, ()
    notes = [f"{blank.sum()} pixels beyond {_HUGE:g} taken as unmeasured."] if blank.any() else []
    values = data[finite]
    sample = values[:: max(1, len(values) // 200_000)]
    middle = float(np.median(sample))
    spread = 1.4826 * float(np.median(np.abs(sample - middle)))
    lowest = float(values.min())
    known = [v for v in stated if v is not None and v != 0 and (data == np.float32(v)).any()]
    known += [v for v in _SENTINELS if v == lowest < middle - _SIGMA * spread]
    flat = _flat_windows(np.where(finite, data, np.nan))
    for value in dict.fromkeys([*known, *_repeated(data, flat)]):
        same = data == np.float32(value)
        run = same & flat
        if value not in known:
            if not _is_fill(data, same, run, finite, middle, spread):
                continue
            elsewhere = (same & ~run).sum() / max(1, (finite & ~run).sum())
            same = same if elsewhere < 1e-3 else run
        blank |= same
        notes.append(f"{same.sum()} pixels of exactly {value:g} taken as unmeasured.")
    left = data[np.isfinite(data) & ~blank]
    share = float((left == left.min()).mean()) if left.size else 0.0
    if share > _MOST_CLIPPED:
        notes.append(
            f"{100 * share:.0f}% of the pixels have the lowest value, {left.min():g}: the sky "
            "seems to be cut off there, and magnitudes may be wrong."
        )
    return blank, tuple(notes)


def _flat_windows(data: np.ndarray) -> np.ndarray:
    """Return which pixels lie in a window of 3 x 3, 1 x 9 or 9 x 1 pixels of one value."""
    across, down = data[:, 1:] == data[:, :-1], data[1:] == data[:-1]
    three = across[:, 1:] & across[:, :-1]
    square = three[2:] & three[1:-1] & three[:-2] & down[1:, 2:] & down[:-1, 2:]
    flat = np.zeros(data.shape, bool)
    for start, (height, width) in (
        (square, (3, 3)),
        (_all_of_eight(across.T).T, (1, 9)),
        (_all_of_eight(down), (9, 1)),
    ):
        for y, x in np.ndindex(height, width) if start.any() else ():
            flat[y : y + start.shape[0], x : x + start.shape[1]] |= start
    return flat


def _all_of_eight(pairs: np.ndarray) -> np.ndarray:
    """Return where eight rows in succession are true."""
    for step in (1, 2, 4):
        pairs = pairs[step:] & pairs[:-step]
    return pairs


def _repeated(data: np.ndarray, flat: np.ndarray) -> list[float]:
    """Return the few values that flat windows repeat most."""
    values, counts = np.unique(data[flat], return_counts=True)
    if len(values) > _MANY_VALUES:  # an enlarged image repeats them all
        often = counts > 20 * np.median(counts)
        values, counts = values[often], counts[often]
    order = np.argsort(-counts)[:_MAX_VALUES]
    return [float(values[k]) for k in order if counts[k] >= _MIN_PIXELS]


def _is_fill(
    data: np.ndarray,
    same: np.ndarray,
    run: np.ndarray,
    finite: np.ndarray,
    middle: float,
    spread: float,
) -> bool:
    """Tell a fill value from rounded noise, a saturated star and a clipped sky."""
    value = float(data[run][0])
    rest = finite & ~run
    if not rest.any():
        return False
    elsewhere = float((same & rest).sum() / rest.sum())
    by_chance = elsewhere**9 * 27 * finite.sum()  # 27 windows hold a pixel
    from scipy import ndimage  # few images come so far

    around = ndimage.binary_dilation(run, np.ones((3, 3))) & rest & ~same
    if elsewhere > _COARSE or run.sum() < _CHANCE * by_chance or not around.any():
        return False
    ring = float(np.median(data[around]))
    levels = np.unique(data[rest])
    step = float(np.diff(levels).min(initial=np.inf)) if len(levels) > 1 else 0.0
    if abs(ring - value) <= 1.5 * step:
        return False  # the level of the sky, or next to it, in values that were rounded
    if value > middle + _SIGMA * spread:
        return (ring - middle) < _SATURATED * (value - middle)
    noise = 1.4826 * float(np.median(np.abs(data[around] - ring)))
    close = ring - value < _CLIPPED_SIGMA * noise or elsewhere > _CLIPPED_SHARE
    return not (close and value <= float(data[rest].min()))
