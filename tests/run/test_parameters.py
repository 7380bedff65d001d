"""A parameters cell is a declaration, and nothing that does not fit it gets through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_helpers.errors import InputError
from crm_helpers.run.parameters import (
    Parameter,
    check_parameters,
    check_value,
    declared_parameters,
    notebook_parameters,
    value_from_text,
)  # fmt: skip

CLUSTERS = Parameter("clusters", "int", 0, "clusters to make", "count", 0, 12)
SHARE = Parameter("share", "float", 0.5, "share kept", "share", 0, 1)
CODE = Parameter("code", "str", "", "a shop's code")
ROBUST = Parameter("robust", "bool", True, "robust errors")
METHOD = Parameter("method", "str", "log", "shape", choices=("power", "log"))
DAY = Parameter("as_of", "str", "", "the day", "date")


def test_a_cell_is_read_as_typed_declarations():
    source = (
        'company: str = "demo"   # name: folder under data/\n'
        "clusters: int = 0       # count [0..12]: clusters to make; 0 = the evidence chooses\n"
        'method: str = "power"   # one of power|log: shape of the response\n'
        "low: float = -1.5       # money [-10..]: lowest\n"
    )
    assert declared_parameters(source, page="03_x") == (
        Parameter("company", "str", "demo", "folder under data/", "name"),
        Parameter("clusters", "int", 0, "clusters to make; 0 = the evidence chooses", "count", 0, 12),
        Parameter("method", "str", "power", "shape of the response", choices=("power", "log")),
        Parameter("low", "float", -1.5, "lowest", "money", -10, None),
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("size = 3  # count: how many", "line 1: write `name: type = literal"),
        ("size: int  # count: how many", "line 1: write `name: type = literal"),
        ("import os", "line 1: write `name: type = literal"),
        ("size: integer = 3  # count: how many", "size has type integer"),
        ("size: int = 3", "size needs a comment"),
        ("size: int = 1 + len('x')  # count: how many", "plain literals"),
        ("size: int = 3  # count [one..9]: how many", "plain literals"),
        ("size: int = 30  # count [1..9]: how many", "30 is not a whole number from 1 to 9"),
        ("size: int = 1.5  # count: how many", "1.5 is not a whole number"),
        ("api_token: str = ''  # text: for the service", "secrets are not parameters"),
        ("size: int = (3  # count: how many", "not Python"),
    ],
)
def test_a_cell_that_is_no_declaration_is_refused_with_its_line(line, said):
    with pytest.raises(InputError, match="03_x") as error:
        declared_parameters(line, page="03_x")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [
        (CODE, "007", "007"),
        (CODE, " 12 ", " 12 "),
        (CODE, "null", "null"),
        (CLUSTERS, "007", 7),
        (SHARE, "1", 1.0),
        (SHARE, "5e-1", 0.5),
        (ROBUST, "false", False),
        (METHOD, "log", "log"),
        (DAY, "2024-02-29", "2024-02-29"),
        (DAY, "", ""),
    ],
)
def test_text_is_read_by_the_declared_type_only(parameter, text, value):
    found = value_from_text("03_x", parameter, text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("parameter", "text"),
    [
        (CLUSTERS, "1.5"), (CLUSTERS, "1_0"), (CLUSTERS, "1e1"), (CLUSTERS, " 3 "), (CLUSTERS, "13"),
        (CLUSTERS, "-1"), (CLUSTERS, "٣"), (SHARE, "nan"), (SHARE, "inf"), (SHARE, "1.01"), (SHARE, "half"),
        (ROBUST, "1"), (ROBUST, "yes"), (METHOD, "lin"), (DAY, "2023-02-29"), (DAY, "29.02.2024"),
        (DAY, "20240229"),
    ],
)  # fmt: skip
def test_text_that_does_not_fit_is_refused_with_what_would(parameter, text):
    with pytest.raises(InputError) as error:
        value_from_text("03_x", parameter, text)
    assert str(error.value).replace("'", "") == f"03_x.{parameter.name}: {text} is not {parameter.accepts}"


@pytest.mark.parametrize("value", [True, "3", 3.0, None, [3]])
def test_a_typed_value_of_another_type_is_refused(value):
    with pytest.raises(InputError, match="is not a whole number"):
        check_value("03_x", CLUSTERS, value)


def test_a_whole_number_serves_as_a_number():
    assert check_value("03_x", SHARE, 1) == 1.0


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_no_number_outside_the_range_gets_through(value):
    inside = 0 <= value <= 1
    try:
        assert check_value("03_x", SHARE, value) == value
        assert inside
    except InputError:
        assert not inside


def test_credentials_in_a_value_are_refused_and_not_repeated():
    with pytest.raises(InputError) as error:
        check_value("03_x", CODE, "postgresql://reader:hunter22@db/crm")
    assert "hunter22" not in str(error.value)
    assert "environment variable" in str(error.value)


def test_a_page_checks_its_own_values_and_fills_in_defaults(shop):
    shop.page("01_alpha")
    assert check_parameters("01_alpha", {"size": 9}) == {"company": "shop", "as_of": "", "size": 9}


@pytest.mark.parametrize(
    ("page", "values", "said"),
    [
        ("01_alpa", {}, 'no page "01_alpa" in notebooks/: did you mean "01_alpha"?'),
        ("01_alpha", {"sise": 3}, '01_alpha.sise: unknown parameter; did you mean "size"?'),
        ("01_alpha", {"x=1;y": 3}, "letters, digits and _ only"),
        ("01_alpha", {"password": "x"}, "secrets are not parameters"),
        ("01_alpha", {"size": 10}, "10 is not a whole number from 1 to 9 (count)"),
    ],
)
def test_a_page_refuses_what_it_does_not_declare(shop, page, values, said):
    shop.page("01_alpha")
    with pytest.raises(InputError) as error:
        check_parameters(page, values)
    assert said in str(error.value)


def test_a_file_that_is_no_notebook_is_named(tmp_path):
    path = tmp_path / "01_alpha.ipynb"
    path.write_text("{")
    with pytest.raises(InputError, match=r"notebooks/01_alpha\.ipynb"):
        notebook_parameters(path)
