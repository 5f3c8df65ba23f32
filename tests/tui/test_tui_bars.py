"""The lines at the top and the bottom: what they leave out where there is little room."""

from __future__ import annotations

from rich.text import Text
from textual.app import App, ComposeResult

from fer_tui.tui.widgets.bars import Bar


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
