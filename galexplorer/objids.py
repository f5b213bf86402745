"""SDSS's identifiers of 64 bits, taken apart."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One field of the SDSS imaging survey.

    Attributes
    ----------
    run, rerun, camcol, field : int
    """

    run: int
    rerun: int
    camcol: int
    field: int


def decode_objid(objid: int) -> Field:
    """Return the field that an SDSS objID names.

    Parameters
    ----------
    objid : int
        64 bits: sky version, rerun (11 bits), run (16), camcol (3), first field (1),
        field (12), object (16); see the SDSS help on ObjIDs.

    Returns
    -------
    Field
    """
    return Field(
        run=(objid >> 32) & 0xFFFF,
        rerun=(objid >> 48) & 0x7FF,
        camcol=(objid >> 29) & 0x7,
        field=(objid >> 16) & 0xFFF,
    )


def decode_specobjid(specobjid: int) -> tuple[int, int, int] | None:
    """Return plate, MJD and fibre of an SDSS specObjID, None where it cannot be one.

    Parameters
    ----------
    specobjid : int
        64 bits. Of DR8 and later: plate (14 bits), fibre (12), MJD - 50000 (14), run2d (14), ten
        zeros. Of DR7 and earlier: plate (16), MJD (16), fibre (10), type (6), sixteen zeros or a
        line. See the SDSS help on SpecObjID.
    """
    if specobjid & 0x3FF or specobjid >> 63:
        return None
    later = (specobjid >> 50, 50_000 + ((specobjid >> 24) & 0x3FFF), (specobjid >> 38) & 0xFFF)
    earlier = (specobjid >> 48, (specobjid >> 32) & 0xFFFF, (specobjid >> 22) & 0x3FF)
    # where both could be meant, a run2d such as 26 or 103 tells the later one
    order = (later, earlier) if (specobjid >> 10) & 0xFFF else (earlier, later)
    for plate, mjd, fibre in order:
        if 266 <= plate < 16_000 and 51_400 <= mjd <= 60_500 and 1 <= fibre <= 1000:
            return plate, mjd, fibre
    return None
