"""An analyst's own figure of matplotlib or seaborn in a report: safe, readable, the same in every run."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from crm_helpers.errors import RunError
from crm_helpers.report.figures import plotted, set_fonts
from crm_helpers.report.svg import safe_svg


def scatter(words: str) -> Figure:
    figure = Figure()
    axes = figure.subplots()
    axes.scatter([1, 10, 100], [3, 1, 2], color="#1f6feb")
    axes.set(xscale="log", title=words)
    return figure


@pytest.fixture(autouse=True)
def fonts():
    with mpl.rc_context():
        set_fonts()
        yield


@pytest.mark.filterwarnings("error")  # a letter without a shape is a warning of matplotlib
def test_words_are_shapes_chinese_ones_too_and_names_are_no_markup():
    chart = plotted(scatter("客户价值 <script>alert(1)</script>"))
    assert "script" not in safe_svg(chart.wide)
    assert chart.wide.count("<use") > len("客户价值 <script>alert(1)</script>") / 2


def test_equal_figures_give_equal_bytes_and_black_follows_the_page():
    one, other = plotted(scatter("sales")), plotted(scatter("sales"))
    assert one == other
    assert "var(--ink)" in one.wide
    assert "#000000" not in one.wide
    assert "#1f6feb" in one.wide


def test_seaborn_is_let_in_by_its_axes_and_grids_and_shown_once():
    import matplotlib.pyplot as plt
    import seaborn as sns

    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"spend": rng.gamma(2, 50, 90), "segment": ["A", "B", "冠军"] * 30})
    grid = sns.FacetGrid(frame, col="segment")
    grid.map(sns.histplot, "spend")
    safe_svg(plotted(grid).wide)
    plt.figure()
    safe_svg(plotted(sns.heatmap(rng.random((3, 3)), annot=True)).wide)
    assert plt.get_fignums() == []


def test_what_is_no_figure_or_holds_pixels_is_refused():
    figure = Figure()
    figure.subplots().imshow(np.eye(3))
    with pytest.raises(RunError, match="pcolormesh"):
        plotted(figure)
    with pytest.raises(RunError, match="a figure of matplotlib"):
        plotted([1, 2, 3])
