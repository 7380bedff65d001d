"""Bars on a terminal; in a log only whole plain lines."""

from __future__ import annotations

import io

from crm_helpers.run.progress import terminal_or_log


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(stream: io.StringIO) -> str:
    display = terminal_or_log(stream)
    display.page_started("03_segmentation", 12)
    for cell, step in enumerate(["Who buys most?", "Who buys most?", "[bold]Who[/bold] left?"], start=1):
        display.cell_started("03_segmentation", cell, step)
    display.note("taken over")
    display.page_done("03_segmentation", 3.21, good=True)
    display.close()
    return stream.getvalue()


def test_a_log_gets_one_line_a_step():
    assert told(io.StringIO()).splitlines() == [
        "03_segmentation: started, 12 cells",
        "03_segmentation: cell 1, Who buys most?",
        "03_segmentation: cell 3, [bold]Who[/bold] left?",
        "taken over",
        "03_segmentation: good after 3.2 s",
    ]


def test_a_log_holds_no_control_characters():
    assert not {"\r", "\x1b"} & set(told(io.StringIO()))


def test_a_terminal_shows_page_step_and_count():
    text = told(Terminal())
    assert "03_segmentation" in text
    assert "12/12" in text
    assert "\x1b" in text
