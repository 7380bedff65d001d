"""Tables as people read them: labels and units from the vocabulary, and no wider than a page."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pandas as pd
import pytest

from crm_helpers.errors import RunError
from crm_helpers.report.blocks import table_block

WIDE = [f"n{number}" for number in range(7)]


def labels(block: dict[str, object]) -> list[str]:
    return [head["label"] for head in block["heads"]]  # type: ignore[attr-defined]


def test_labels_and_units_come_from_the_vocabulary() -> None:
    frame = pd.DataFrame({"channel": ["Shop"], "period": [dt.date(2018, 1, 1)], "cost": [1234.5]})
    block = table_block(frame, caption="Channels", of="channels", currency="USD")
    assert labels(block) == ["Channel", "Period", "Cost, $"]
    assert [cell[0] for cell in block["rows"][0]] == ["Shop", "1 Jan 2018", "1,234"]


def test_an_unknown_vocabulary_is_refused() -> None:
    with pytest.raises(RunError, match='did you mean "channels"'):
        table_block(pd.DataFrame({"a": [1]}), caption="x", of="chanels")


def test_a_caption_is_needed() -> None:
    with pytest.raises(RunError, match="needs a caption"):
        table_block(pd.DataFrame({"a": [1]}), caption=" ")


def test_money_counted_by_the_engine_keeps_its_cents() -> None:
    frame = pd.DataFrame({"step": ["read"], "exact": [Decimal("4596039.58")], "computed": [4596039.58]})
    block = table_block(frame, caption="Sales", units={"exact": "money", "computed": "money"})
    assert [cell[0] for cell in block["rows"][0]] == ["read", "4,596,039.58", "4,596,040"]


def test_columns_without_a_value_are_left_out_and_named() -> None:
    frame = pd.DataFrame({"name": ["a", "b"], "budget": [None, None], "n": [1, 2]})
    block = table_block(frame, caption="Plans", units={"budget": "money"})
    assert (labels(block), block["blank"]) == (["Name", "N"], ["Budget"])


def test_the_single_row_of_a_wide_table_is_written_downwards() -> None:
    block = table_block(pd.DataFrame([range(7)], columns=WIDE), caption="All of it")
    assert [row[0][0] for row in block["rows"]] == ["N0", "N1", "N2", "N3", "N4", "N5", "N6"]
    assert block["rows"][6][1] == ("6", "")


def test_long_texts_of_a_wide_table_stand_under_the_rows_name() -> None:
    frame = pd.DataFrame([range(6)] * 2, columns=WIDE[:6])
    frame.insert(0, "segment", ["Champions", "Loyal"])
    frame["effort"] = ["look after in person; ask for an opinion", ""]
    block = table_block(frame, caption="Segments")
    assert "Effort" not in labels(block)
    assert block["rows"][0][0] == ("Champions", "Effort: look after in person; ask for an opinion")
    assert block["rows"][1][0] == ("Loyal", "")


def test_columns_named_value_low_and_high_are_one() -> None:
    frame = pd.DataFrame({"name": ["a"], "value": [2.0], "low": [1.0], "high": [3.0]})
    assert table_block(frame, caption="Effects")["rows"] == [[("a", ""), ("2", "1.0 to 3.0")]]


def test_names_of_columns_that_are_not_text_are_shown() -> None:
    assert labels(table_block(pd.DataFrame({0: ["a"], 1: [2]}), caption="x")) == ["0", "1"]


def test_every_cell_survives_as_json() -> None:
    import json

    frame = pd.DataFrame(
        {"a": pd.Categorical(["x"]), "b": [pd.Timestamp("2018-01-01")], "c": [True], "d": [pd.NA]}
    )
    assert json.loads(json.dumps(table_block(frame, caption="x")))["rows"][0][1][0] == "1 Jan 2018"
