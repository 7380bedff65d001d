"""Charts: every glyph drawn, nothing in a name is markup, equal data gives equal bytes."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath

from crm_helpers.report import figures
from crm_helpers.report.figures.canvas import NARROW, WIDE, Canvas, Scale
from crm_helpers.report.figures.letters import glyphs_of, width_of
from crm_helpers.report.figures.lines import date_ticks, spread
from crm_helpers.report.figures.ticks import number_ticks, ticks_that_fit
from crm_helpers.report.svg import Sprites, safe_svg

NAMES = ["Champions", "重要客户", "$x^2$ \\frac", "<script>alert(1)</script>", "a_b & 'c'", "x" * 200]


def rows(names: list[str] = NAMES) -> pd.DataFrame:
    value = np.linspace(0.6, 0.05, len(names))
    return pd.DataFrame(
        {"name": names, "value": value, "low": value - 0.02, "high": value + 0.02, "context": value[::-1]}
    )


def points(names: list[str] = NAMES) -> pd.DataFrame:
    days = pd.date_range("2017-01-01", periods=6, freq="MS")
    made = [(name, day, 1.0 + i + k) for i, name in enumerate(names) for k, day in enumerate(days)]
    return pd.DataFrame(made, columns=["name", "day", "value"]).astype({"value": float})


def dots(names: list[str]) -> figures.Chart:
    return figures.dots(
        rows(names),
        label="name",
        value="value",
        low="low",
        high="high",
        context="context",
        unit="share",
        axis="$s$",
    )


def bars(names: list[str]) -> figures.Chart:
    return figures.bars(
        rows(names), label="name", value="value", unit="share", axis="share", highlight=names[:1]
    )


def lines(names: list[str]) -> figures.Chart:
    return figures.lines(points(names), x="day", y="value", series="name", unit="money", axis="sales, $")


def curves(names: list[str]) -> figures.Chart:
    frame = points(names).assign(x=lambda f: f.groupby("name").cumcount() * 100.0)
    frame = frame.assign(low=frame["value"] - 0.5, high=frame["value"] + 0.5)
    marks = frame.groupby("name").tail(1).assign(label="now $x$")
    return figures.curves(
        frame,
        x="x",
        y="value",
        series="name",
        points=frame,
        marks=marks,
        unit_x="money",
        axis_x="cost, $",
        axis_y="n",
    )


def heatmap(names: list[str]) -> figures.Chart:
    frame = pd.DataFrame([(a, b, 0.5) for a in names for b in names], columns=["row", "column", "value"])
    return figures.heatmap(frame, row="row", column="column", value="value", unit="share", axis="share")


KINDS = [dots, bars, lines, curves, heatmap]
Kind = Callable[[list[str]], figures.Chart]
every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
def test_hostile_and_chinese_names_are_drawn_without_a_missing_glyph(kind: Kind) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chart = kind(NAMES)
    assert safe_svg(chart.wide)
    assert safe_svg(chart.narrow)


@every_kind
def test_equal_data_gives_equal_bytes(kind: Kind) -> None:
    assert kind(NAMES) == kind(NAMES)


@every_kind
def test_colours_follow_the_page(kind: Kind) -> None:
    chart = kind(["a", "b"])
    assert "var(--accent)" in chart.wide
    assert "#" not in chart.wide.replace('href="#', "").replace("url(#", "")


@every_kind
def test_an_empty_frame_says_so_instead_of_failing(kind: Kind) -> None:
    assert kind([]).wide == kind([]).wide
    assert "<use" in kind([]).wide


@every_kind
def test_a_drawing_stays_small_beside_its_shared_shapes(kind: Kind) -> None:
    assert len(Sprites().without_shapes(kind(["Champions", "Loyal", "Steady"]).wide)) < 30_000


@pytest.mark.parametrize(
    ("kind", "said"), [(dots, "first 30 of 80"), (bars, "first 30 of 80"), (lines, "12 greatest of 80")]
)
def test_what_is_left_out_is_said(kind: Kind, said: str) -> None:
    assert said in kind([f"n{number}" for number in range(80)]).note


def test_a_missing_value_is_written_not_drawn() -> None:
    frame = rows(["a", "b"]).assign(
        value=[0.5, np.nan], low=[0.4, np.nan], high=[0.6, np.nan], context=np.nan
    )
    chart = figures.dots(frame, label="name", value="value", low="low", high="high", context="context")
    assert "nan" not in chart.wide.casefold()


def test_one_point_and_equal_values_are_drawn() -> None:
    frame = pd.DataFrame({"name": ["a"], "value": [0.0]})
    assert figures.bars(frame, label="name", value="value").wide
    assert figures.lines(frame.assign(x=1.0), x="x", y="value").wide


@pytest.mark.parametrize(
    ("places", "gap"), [([10, 11, 12, 13], 10), ([0, 0, 0], 15), ([50, 10, 50], 14), ([95, 99], 12)]
)
def test_names_never_overlap_and_keep_their_order(places: list[float], gap: float) -> None:
    moved = spread(places, gap=gap, low=0, high=100)
    order = sorted(range(len(places)), key=lambda number: places[number])
    distances = np.diff([moved[number] for number in order])
    assert (distances >= gap - 1e-9).all()


def test_ticks_of_dates_say_the_year_where_it_begins() -> None:
    first, last = (
        pd.Timestamp(day).to_datetime64().astype("M8[D]").astype(float)
        for day in ("2017-01-01", "2018-12-01")
    )
    assert date_ticks(first, last, 8)[1] == ["Jan 2017", "Apr", "Jul", "Oct", "Jan 2018", "Apr", "Jul", "Oct"]


@pytest.mark.parametrize("unit", ["money", "rounded money", "share", "count", ""])
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("high", [0.07, 9.0, 1_234.0, 98_765_432.1])
def test_words_below_an_axis_never_touch_and_stay_inside(unit: str, width: int, high: float) -> None:
    canvas = Canvas(width)
    across = Scale(0.0, high, 40.0, width - 90.0)
    ticks = ticks_that_fit(canvas, across, partial(number_ticks, across, unit), 8)
    ends = [(middle - canvas.measure(w) / 2, middle + canvas.measure(w) / 2) for _, middle, w in ticks]
    assert ends
    assert ends[0][0] >= 0
    assert ends[-1][1] <= width
    assert all(second[0] - first[1] > 5 for first, second in pairwise(ends))


def test_a_drawing_says_where_things_are() -> None:
    canvas = Canvas(NARROW)
    canvas.line([1, 2, np.nan, 4], [1, 3, 5, 7], colour="accent", width=2)
    canvas.box(10, 20, 30, 5, opacity=0.5)
    canvas.dots([8], [9], colour="second", size=4)
    canvas.text(100, 50, "ab", size=10)
    drawn = canvas.finish(80)
    assert f'viewBox="0 0 {NARROW} 80"' in drawn
    assert '<path d="M1 1L2 3M4 7" style="fill:none;stroke:var(--accent);stroke-width:2' in drawn
    assert '<path d="M10 20L40 20L40 25L10 25z" style="fill:var(--accent);opacity:0.5"/>' in drawn
    assert 'x="8" y="9" style="fill:var(--second)"' in drawn
    assert 'transform="translate(100.00 54.40) scale(0.1 -0.1)"' in drawn
    places = [drawn.index(part) for part in ("M1 1L2 3", "var(--second)", "opacity", "translate")]
    assert places == sorted(places)


@pytest.mark.parametrize("words", ["Champions", "重要客户 12%", "x"])
def test_words_are_as_wide_as_their_letters_and_drawn_as_matplotlib_does(words: str) -> None:
    font = FontProperties(family=["Noto Sans CJK SC", "DejaVu Sans"], size=100)
    vertices, _ = TextToPath().get_text_path(font, words)
    letters = glyphs_of(words)
    assert width_of(words) == pytest.approx(
        TextToPath().get_text_width_height_descent(words, font, ismath=False)[0], rel=1e-6
    )
    reached = max(
        letter.start + max(float(x) for x, _ in re.findall(r"(-?[\d.]+) (-?[\d.]+)", letter.outline))
        for letter in letters
        if letter.outline
    )
    assert reached == pytest.approx(np.asarray(vertices)[:, 0].max(), abs=1.0)


def test_columns_of_a_heat_map_that_begin_alike_are_told_apart() -> None:
    names = [f"Big spenders, {what}" for what in ("going quiet", "long silent")]
    frame = pd.DataFrame([("shop", name, 1.0) for name in [*names, *"abcdefgh"]], columns=["r", "c", "v"])
    drawn = figures.heatmap(frame, row="r", column="c", value="v").wide
    letters = "".join([*names, *"abcdefgh", "shop", *("1" for _ in range(10))]).replace(" ", "")
    assert drawn.count("<use") == len(letters)
