"""The charts of the reports: direct labels, intervals drawn, grey for context and one accent.

Every function takes a frame and names of its columns and returns a `Chart`: the same picture drawn for
a wide and for a narrow column, in the page's own colours. `plotted` lets in a figure you drew yourself.
"""

from crm_helpers.report.figures.canvas import Chart
from crm_helpers.report.figures.curves import curves
from crm_helpers.report.figures.heatmap import heatmap
from crm_helpers.report.figures.lines import lines
from crm_helpers.report.figures.plotted import plotted, set_fonts
from crm_helpers.report.figures.rows import bars, dots

__all__ = ["Chart", "bars", "curves", "dots", "heatmap", "lines", "plotted", "set_fonts"]
