"""Identifiers of 64 bits, whose last digits a float or a spreadsheet loses."""

import re

import numpy as np

from galexplorer.catalogue.column_lookup import Named
from galexplorer.errors import InputError
from galexplorer.objids import decode_specobjid
from galexplorer.tables.cells import texts_of

EXACT = 2**53
"""Up to here every integer has a float of its own."""

SPREADSHEET_DIGITS = 15
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?(1[5-9]|[2-9]\d)")
_EVIDENCE_BITS = 16


def check_identifiers(named: Named, label: str) -> None:
    """Refuse identifiers whose digits were lost before they came here.

    Parameters
    ----------
    named : Named
    label : str
        Of the table, for the message.

    Raises
    ------
    InputError
        If they were.

    Notes
    -----
    A float has 53 bits, so that integers of 61 bits which went through one are multiples of 256;
    a spreadsheet keeps 15 decimal digits and writes zeros for the others. SDSS's specObjID ends in
    ten bits of zeros and survives a float.
    """
    shown = find_lost(named)
    if shown is not None:
        raise InputError(
            f"column {named.name} of {label} holds 64-bit identifiers that went through a float or "
            f"a spreadsheet ({shown}), and their last digits are lost: export it anew as integers "
            "or text."
        )


def find_lost(named: Named) -> str | None:
    """Return an identifier that lost digits, None where none did."""
    column = named.column
    kind = column.dtype.kind
    if kind == "f":
        values = np.ma.filled(np.ma.asarray(column).astype(np.float64), np.nan)
        large = values[np.isfinite(values) & (np.abs(values) > EXACT)]
        if len(large) == 0 or _are_spectra([int(value) for value in large]):
            return None
        return f"{large[0]:.6g}"
    if kind in "iu":
        whole = [int(n) for n in np.ma.asarray(column).compressed() if abs(int(n)) > EXACT]
    else:
        texts = [text for text in texts_of(column) if text]
        written = [text for text in texts if _SCIENTIFIC.fullmatch(text)]
        if written:
            return written[0]
        whole = [int(text) for text in texts if re.fullmatch(r"\d{16,20}", text)]
        whole = [number for number in whole if number > EXACT]
    distinct = sorted(set(whole))
    if not distinct or _are_spectra(distinct):
        return None
    if _are_rounded_binary(distinct) or _are_rounded_decimal(distinct):
        return str(distinct[0])
    return None


def _are_rounded_binary(numbers: list[int]) -> bool:
    bits = [max(number.bit_length() - 53, 0) for number in numbers]
    rounded = all(number % 2**b == 0 for number, b in zip(numbers, bits, strict=True))
    return rounded and sum(bits) >= _EVIDENCE_BITS


def _are_rounded_decimal(numbers: list[int]) -> bool:
    zeros = [max(len(str(number)) - SPREADSHEET_DIGITS, 0) for number in numbers]
    rounded = all(number % 10**z == 0 for number, z in zip(numbers, zeros, strict=True))
    return rounded and sum(zeros) >= 4


def _are_spectra(numbers: list[int]) -> bool:
    return all(decode_specobjid(number) is not None for number in numbers)
