"""Themes and keys of the user's own: read, worn, told where they are wrong."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.color import Color

from fer_tui.cli import main
from fer_tui.contract import InputError
from fer_tui.engine import Settings
from fer_tui.picture import COLOUR_MAPS
from fer_tui.tui import theme
from fer_tui.tui.app import Explorer
from fer_tui.tui.bindings import BINDINGS, remapped
from fer_tui.tui.state import State
from fer_tui.tui.widgets.lines import Lines
from fer_tui.tui.widgets.text_input import TextInput

Opened = Callable[..., AbstractAsyncContextManager[Any]]
SHIPPED = ("contrast", "contrast-light", "dark", "ember", "fjord", "light", "paper", "terminal")
INKS = ("foreground", "primary", "secondary", "accent", "success", "warning", "error")
OWN = (Path(theme.__file__).parents[2] / "themes" / "dark.toml").read_text()


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of themes."""
    monkeypatch.setenv("FER_TUI_CONFIG", str(tmp_path))
    (tmp_path / "themes").mkdir()
    return tmp_path / "themes"


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_ink_can_be_read_on_every_paper(name: str) -> None:
    skin = theme.load(name)
    assert skin.unsigned in COLOUR_MAPS and skin.signed in COLOUR_MAPS
    if skin.theme.ansi:
        return  # the terminal's own
    needed = 7 if name.startswith("contrast") else 4.5
    for ink in INKS:
        for paper in ("background", "surface", "panel"):
            bright, dark = sorted((luminance(getattr(skin.theme, each)) for each in (ink, paper)), reverse=True)
            assert (bright + 0.05) / (dark + 0.05) >= needed, (ink, paper)
    assert skin.theme.dark == (luminance(skin.theme.background) < 0.2)


def test_the_shipped_themes(own: Path) -> None:
    assert theme.names() == SHIPPED
    (own / "mine.toml").write_text(OWN)
    (own / "dark.toml").write_text(OWN.replace("#15171c", "#000001"))
    assert theme.names() == tuple(sorted((*SHIPPED, "mine")))
    assert theme.load("dark").theme.background == "#000001"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("dark = true", "dark = 1"), "mine.toml:2: dark: is neither true nor false"),
        (("dark = true", ""), "mine.toml: dark is missing"),
        (('primary = "#7aa7e8"', ""), "mine.toml:4: colours: primary is missing"),
        (
            ('primary = "#7aa7e8"', 'primary = "blue"'),
            "mine.toml:9: primary: 'blue' is no colour (write it as '#rrggbb')",
        ),
        (("primary", "primry"), "mine.toml:9: primry: there is no such key; did you mean primary?"),
        (('"viridis"', '"virids"'), "mine.toml:17: unsigned: there is no colour map virids"),
        (("\n[colours]", "\n[colours"), "mine.toml: is not TOML"),
        (("dark = true", "dark = true\nansi = true"), "is no colour (one of default, black,"),
    ],
)
def test_a_fault_is_told_by_file_line_and_key(own: Path, change: tuple[str, str], fault: str) -> None:
    (own / "mine.toml").write_text(OWN.replace(*change, 1))
    with pytest.raises(InputError) as caught:
        theme.load("mine")
    assert fault in str(caught.value) and "\n" not in str(caught.value)


def test_there_is_no_such_theme() -> None:
    with pytest.raises(InputError, match=r"theme darc: there is none of that name; did you mean dark\?"):
        theme.load("darc")


async def test_a_theme_is_chosen_seen_and_kept(opened: Opened, project: Callable[..., Any], own: Path) -> None:
    settings = project()
    async with opened(settings) as sight:
        await sight.predicted()
        await sight.type("{ctrl+t}")
        assert sight.app.theme == "fer-dark"
        await sight.type("j")
        assert sight.app.theme == "fer-ember" and sight.app.desk.look.unsigned == "magma"
        choices = sight.app.screen.query_one("#choices", Lines)
        assert choices._texts[0].style == choices.inks.title, "the list is in its colours at once"
        await sight.type("{escape}")
        assert sight.app.theme == "fer-dark" and State.open().user.values.get("theme") is None
        await sight.type("{ctrl+t}G{enter}")
        assert sight.app.theme == "fer-terminal" and State.open().user.values["theme"] == "terminal"
        assert " images" in sight.text()
    async with opened(settings) as sight:
        assert sight.app.theme == "fer-terminal"
    async with opened(replace(settings, theme="paper")) as sight:
        assert sight.app.theme == "fer-paper"


async def test_the_users_own_theme_is_followed(opened: Opened, project: Callable[..., Any], own: Path) -> None:
    file = own / "mine.toml"
    file.write_text(OWN)
    async with opened(replace(project(), theme="mine")) as sight:
        file.write_text(OWN.replace("#15171c", "#000002"))
        os.utime(file, ns=(1, 1))
        await sight.until(lambda: sight.app.current_theme.background == "#000002", "the other colour")
        file.write_text("dark = true")
        await sight.until(lambda: "colours is missing" in sight.text("#status"), "the fault")
        assert sight.app.current_theme.background == "#000002"


async def test_keys_of_ones_own(opened: Opened, project: Callable[..., Any]) -> None:
    settings = replace(project(), keys={"down": ("ä", "f5"), "help": ("Z",), "view": (), "classes": ("gx",)})
    async with opened(settings) as sight:
        await sight.predicted()
        await sight.type("2äj{f5}o")
        assert sight.browser.row == 3 and sight.app.desk.look.view == "overlay"
        assert "Z help" in sight.lines()[-1] and "view" not in sight.lines()[-1]
        await sight.type("Z")
        assert "ä f5" in sight.text()
        await sight.type("qgx")
        assert type(sight.app.screen).__name__ == "ClassesScreen"


def test_what_is_not_named_keeps_its_keys() -> None:
    table = {each.id: each.keys for each in remapped({"down": ["ctrl+j"]})}
    assert table["down"] == ("ctrl+j",)
    assert all(table[each.id] == each.keys for each in BINDINGS if each.id != "down")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('dwon = "J"', "there is no action dwon; did you mean down?"),
        ('down = "k"', "k is a key of up and of down"),
        ('down = "g"', "g is a key of"),
        ('down = "7"', "7 of down is a digit, and digits are counts"),
        ("down = 7", "down: 7 is neither a key nor a list of keys"),
    ],
)
def test_keys_that_cannot_be(own: Path, line: str, fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    (own.parent / "config.toml").write_text(f"[keys]\n{line}\n")
    assert main(["config", "check"]) == 2
    told = capsys.readouterr().err.strip()
    assert "config.toml:2: [keys] d" in told and fault in told and "\n" not in told


def test_the_keys_are_listed(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (own.parent / "config.toml").write_text('theme = "paper"\n[keys]\ndown = ["ä", "down"]\n')
    assert main(["config", "keys"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(BINDINGS) and any(line.split()[:3] == ["down", "ä,", "down"] for line in lines)


async def test_without_colours_none_is_sent(
    opened: Opened, project: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(project()) as sight:
        await sight.explained()
        assert sight.app.wardrobe.skin.name == "terminal"
        (remove,) = sight.app.get_line_filters()
        strips = [each.apply_filter(remove, Color(0, 0, 0)) for each in sight.app.screen._compositor.render_strips()]
        styles = [segment.style for strip in strips for segment in strip if segment.style is not None]
        colours = {colour.name for style in styles for colour in (style.color, style.bgcolor) if colour is not None}
        assert colours <= {"default"} and any(style.reverse for style in styles)  # the cursor


@pytest.mark.parametrize(("level", "blinks"), [("none", False), ("full", True)])
async def test_no_cursor_blinks_where_nothing_is_to_move(
    level: str, blinks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("textual.constants.TEXTUAL_ANIMATIONS", level)

    class Typing(App[None]):
        def compose(self) -> ComposeResult:
            yield TextInput()

    async with Typing().run_test() as pilot:
        assert pilot.app.query_one(TextInput).cursor_blink is blinks


def test_nothing_is_animated(own: Path) -> None:
    assert Explorer(Settings()).animation_level == "none"
