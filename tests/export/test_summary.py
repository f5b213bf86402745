"""The JSON of a result, against its published schema."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from galexplorer import export
from galexplorer.export.files import result_bytes
from galexplorer.export.summary import SCHEMA_FILE, SCHEMA_VERSION, summarise
from galexplorer.records.posterior import Posterior
from galexplorer.records.units import UNITS
from galexplorer.schema import BPT_CLASSES, SUMMARY_STATISTICS, TARGET_NAMES, TARGETS
from galexplorer.science.derived import DERIVED, DERIVED_NAMES


@pytest.fixture(scope="module")
def schema() -> dict:
    return json.loads((Path(export.__path__[0]) / SCHEMA_FILE).read_text())


@pytest.fixture
def passive(result):
    """One whose lines and dust no spectrum would give."""
    draws = result.posterior.draws.copy()
    draws[:, TARGET_NAMES.index("log_flux_hbeta")] = np.linspace(-2, 1.5, len(draws))
    return replace(
        result,
        posterior=Posterior(draws, result.posterior.fixed),
        measurable={"gas_metallicity": 0.03, **dict.fromkeys(TARGET_NAMES[5:], 0.1)},
        bpt=dict.fromkeys(BPT_CLASSES, float("nan")),
        domain=replace(result.domain, score=float("nan")),
    )


def as_json(result) -> dict:
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(result_bytes(result, "json"), parse_constant=refuse)


def test_the_schema_is_one(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"].endswith(f":{SCHEMA_VERSION}")


def test_results_keep_to_the_schema(schema, result, passive):
    checker = jsonschema.Draft202012Validator(schema)
    whole = [as_json(each) for each in (result, passive)]
    for each in (*whole, whole):
        checker.validate(each)
    for broken in (
        {**whole[0], "schema_version": "0.9"},
        {**whole[0], "mass": 10.3},
        {**whole[0], "units": {**whole[0]["units"], "log_sfr": "Msun/yr"}},
        {**whole[0], "p_no_lines": 1.2},
        {key: value for key, value in whole[0].items() if key != "derived"},
    ):
        assert not checker.is_valid(broken)


def test_the_schema_names_what_the_package_does(schema):
    parts = schema["$defs"]["result"]["properties"]
    assert tuple(parts["posterior"]["properties"]) == TARGET_NAMES
    assert tuple(parts["derived"]["properties"]) == DERIVED_NAMES
    assert tuple(schema["$defs"]["statistics"]["properties"]) == SUMMARY_STATISTICS
    units = {name: part["const"] for name, part in parts["units"]["properties"].items()}
    assert units == {quantity.name: quantity.unit for quantity in (*TARGETS, *DERIVED)}
    assert set(units.values()) <= set(UNITS)
    titles = {name: part["title"] for name, part in parts["posterior"]["properties"].items()}
    assert titles == {target.name: target.description for target in TARGETS}


def test_what_does_not_exist_is_null_with_its_reason(result, passive):
    shown = as_json(passive)
    for name in ("gas_metallicity", "balmer_av", "oh_pp04_o3n2"):
        values = {**shown["posterior"], **shown["derived"]}[name]
        assert set(values.values()) == {None}
    assert shown["undetermined"]["gas_metallicity"] == "not measurable (p = 0.03)"
    assert shown["undetermined"]["balmer_av"] == "unconstrained (A(V) by over 3 mag)"
    assert shown["bpt"] == dict.fromkeys(BPT_CLASSES)
    assert shown["domain"]["score"] is None
    assert shown["p_no_lines"] == 0.9
    plain = as_json(result)
    assert plain["posterior"]["gas_metallicity"]["p50"] == pytest.approx(1.0, abs=0.05)
    assert plain["derived"]["half_light_radius"]["p50"] > 0


def test_numbers_have_six_digits_and_positions_six_decimals(result):
    shown = summarise(result)
    assert shown["posterior"]["redshift"]["p50"] == 0.0197  # not 0.019700000062584877
    assert shown["neighbours"][0]["ra"] == 162.1842
    exact = result.posterior.summary()
    for name, values in shown["posterior"].items():
        for statistic, value in values.items():
            assert value == pytest.approx(exact[name][statistic], rel=5e-6)
            assert len(f"{value:g}".lstrip("-0.").replace(".", "").partition("e")[0]) <= 6
