"""Key presses become commands; one table says what all keys do."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from rich.style import Style
from textual.screen import ModalScreen

from fer_tui.terminal.pacing import Over
from fer_tui.tui import screens
from fer_tui.tui.bindings import BINDINGS, bindings_of, key_name
from fer_tui.tui.bindings import SCREENS as SCREEN_NAMES
from fer_tui.tui.keys import Command, Keys
from fer_tui.tui.screens.base import PLACES, DeskScreen
from fer_tui.tui.screens.classes import ClassesScreen
from fer_tui.tui.screens.explore import Explore
from fer_tui.tui.screens.filters import FiltersScreen
from fer_tui.tui.screens.grid import GridScreen
from fer_tui.tui.screens.popups import Help
from fer_tui.tui.screens.timeline import TimelineScreen
from fer_tui.tui.widgets.lines import Inks

SCREENS: tuple[type[DeskScreen], ...] = (Explore, ClassesScreen, TimelineScreen, FiltersScreen, GridScreen)
INKS = Inks(*[Style()] * 9)


def pressed(text: str, screen: str = "x") -> list[tuple[str, int | None]]:
    keys = Keys(bindings_of(screen))
    commands = [keys.press(key) for key in text.split(" ")]
    return [(command.binding.id, command.count) for command in commands if command is not None]


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("j", ("down", None)),
        ("5 j", ("down", 5)),
        ("1 2 G", ("last", 12)),
        ("1 0 j", ("down", 10)),
        ("0 G", ("last", 0)),
        ("0 c", ("pick-class", 0)),
        ("g g", ("first", None)),
        ("4 1 2 g g", ("first", 412)),
        ("2 m", ("method", 2)),
        ("g c", ("classes", None)),
        ("pagedown", ("page-down", None)),
        ("ctrl+l", ("redraw", None)),
        ("+", ("more", None)),
        ("=", ("more", None)),
    ],
)
def test_keys_make_a_command(typed: str, command: tuple[str, int | None]) -> None:
    assert pressed(typed) == [command]


def test_a_command_without_a_count_is_done_once() -> None:
    assert Command(BINDINGS[0]).times == 1
    assert Command(BINDINGS[0], 0).times == 0
    assert Command(BINDINGS[0], 7).times == 7


@pytest.mark.parametrize("typed", ["Z", "g Z", "5 Z", "g 5", "f12", "g g g", "é", "٣", "½"])
def test_unknown_keys_do_nothing_and_are_forgotten(typed: str) -> None:
    keys = Keys(bindings_of("x"))
    known = [command for key in typed.split(" ") if (command := keys.press(key)) is not None]
    assert [command.binding.id for command in known] == (["first"] if typed == "g g g" else [])
    keys.press("escape")
    assert keys.pending == ""
    assert [keys.press("j")] == [Command(BINDINGS[0])]


def test_what_is_not_complete_is_pending_until_escape() -> None:
    keys = Keys(bindings_of("x"))
    shown = []
    for key in ("4", "1", "2", "g"):
        assert keys.press(key) is None
        shown.append(keys.pending)
    assert shown == ["4", "41", "412", "412g"]
    assert keys.press("escape") is None
    assert keys.pending == ""
    command = keys.press("escape")
    assert command is not None and command.binding.id == "cancel"


def test_an_endless_number_stays_a_number() -> None:
    (command,) = pressed(" ".join("9" * 5000 + "j"))
    assert command[0] == "down" and command[1] is not None and command[1] < 1 << 31


@pytest.mark.parametrize("screen", SCREENS)
def test_every_binding_is_a_method_of_its_screen(screen: type[DeskScreen]) -> None:
    bound = [b.id for b in bindings_of(screen.LETTER) if b.id not in PLACES]
    assert not [each for each in bound if not callable(getattr(screen, method_of(each), None))]


@pytest.mark.parametrize("screen", SCREENS)
def test_every_method_has_a_binding(screen: type[DeskScreen]) -> None:
    bound = {method_of(b.id) for b in bindings_of(screen.LETTER) if b.id not in PLACES}
    assert {name for name in dir(screen) if name.startswith("do_")} == bound


@pytest.mark.parametrize("screen", ["x", "c", "t", "f", "g"])
def test_no_key_is_bound_twice_nor_hidden_behind_another(screen: str) -> None:
    keys = [tuple(key.split(" ")) for binding in bindings_of(screen) for key in binding.keys]
    assert len(keys) == len(set(keys))
    assert not [(a, b) for a in keys for b in keys if a != b and b[: len(a)] == a]
    assert not [key for key in keys if key[0].isdecimal()]


def test_each_screen_leads_to_all_others() -> None:
    names = {letter: name.lower() for letter, name in SCREEN_NAMES.items()}
    for letter, name in names.items():
        assert {b.id for b in bindings_of(letter)} & PLACES == PLACES - {name} == set(names.values()) - {name}


def test_names_are_unique() -> None:
    assert len({binding.id for binding in BINDINGS}) == len(BINDINGS)
    assert {letter for binding in BINDINGS for letter in binding.screens} == {screen.LETTER for screen in SCREENS}


@pytest.mark.parametrize("screen", ["x", "c", "t", "f", "g"])
def test_help_tells_every_key(screen: str) -> None:
    lines = [line.plain for line in Help(bindings_of(screen)).lines(INKS)]
    for binding in bindings_of(screen):
        keys = " ".join(key_name(key) for key in binding.keys)
        assert [line for line in lines if line.split() == [*keys.split(), *binding.help.split()]], binding.id
    assert {binding.group for binding in bindings_of(screen)} <= set(lines)


def test_keys_are_shown_as_they_are_written_on_keyboards() -> None:
    names = [key_name(key) for key in ("ctrl+l", "g g", "pagedown", "escape", "down")]
    assert names == ["Ctrl+L", "gg", "PgDn", "Esc", "↓"]


def method_of(name: str) -> str:
    return f"do_{name.replace('-', '_')}"


def test_every_popup_draws_only_where_it_lies() -> None:
    for found in pkgutil.iter_modules(screens.__path__, f"{screens.__name__}."):
        importlib.import_module(found.name)
    waiting, popups = [ModalScreen], []
    while waiting:
        waiting += (made := [each for each in waiting.pop().__subclasses__() if each.__module__.startswith("fer_tui.")])
        popups += made
    assert len(popups) > 8
    assert [each.__name__ for each in popups if not issubclass(each, Over)] == []
