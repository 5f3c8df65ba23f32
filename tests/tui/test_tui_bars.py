"""What is left out where there is little room: of the lines at the top and the bottom, of long names."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.text import Text
from textual.app import App, ComposeResult

from fer_tui.tui.widgets.bars import Bar
from fer_tui.tui.widgets.lines import apart, end_of


class Line(App[None]):
    def compose(self) -> ComposeResult:
        yield Bar()


async def test_the_first_part_is_told_before_all_else() -> None:
    async with Line().run_test(size=(30, 3)) as pilot:
        bar = pilot.app.query_one(Bar)
        for told, shown in {
            "short": " short · stored         kitty",
            "here there is no dot, but": " here there is no dot, but",
            "room for it, no more": " room for it, no more   kitty",
            "longer than all of the line is": " longer than all of the line …",
        }.items():
            bar.show_parts([Text(told), Text("stored")], Text("kitty"))
            assert bar.text.rstrip() == shown


@pytest.mark.parametrize(
    ("name", "width", "shown"),
    [("mnet_025.pt", 11, "mnet_025.pt"), ("mnet_025.pt", 8, "…_025.pt"), ("顔顔.pt", 6, "…顔.pt"), ("mnet", 1, "…")],
)
def test_of_a_long_name_the_end_is_told(name: str, width: int, shown: str) -> None:
    assert end_of(name, width) == shown and cell_len(shown) <= width


def test_cut_names_are_told_apart() -> None:
    assert apart(("angry", "surprise", "neutral"), 5) == ("angry", "surp…", "neut…")
    assert apart(("kind 00", "kind 01", "other"), 5) == ("…d 00", "…d 01", "other")
    assert apart(("表情 快", "表情 慢"), 5) == ("… 快", "… 慢")
