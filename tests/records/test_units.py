"""Units of logarithms, in the spellings of files."""

import pytest
from astropy import units as u

from galexplorer.records.units import UNITS, is_logarithmic, spell_cds
from galexplorer.schema import TARGETS
from galexplorer.science.derived import DERIVED


def test_every_quantity_has_a_unit():
    assert {quantity.unit for quantity in (*TARGETS, *DERIVED)} <= set(UNITS)


@pytest.mark.parametrize("name", [name for name in UNITS if name])
def test_cds_spellings_come_back(name):
    spelt = spell_cds(UNITS[name])
    assert u.Unit(spelt, format="cds") == UNITS[name]
    assert spelt.startswith("[") == is_logarithmic(UNITS[name])


def test_a_yoctowatt_per_square_centimetre_is_the_unit_of_line_fluxes():
    assert spell_cds(UNITS["log10(1e-17 erg/s/cm2)"]) == "[yW/cm2]"
    assert (1 * u.Unit("yW/cm2")).to_value("erg / (s cm2)") == pytest.approx(1e-17, rel=1e-12)


def test_a_unit_unknown_to_cds_keeps_its_name():
    assert spell_cds(u.def_unit("nmgy")) == "nmgy"
