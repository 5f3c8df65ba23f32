"""Themes: colours of the screen and of the heat maps, from TOML files, shipped or of the user's own."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from rich.color import ANSI_COLOR_NAMES
from textual.theme import BUILTIN_THEMES, Theme

from fer_tui.contract import InputError, nearest, plain
from fer_tui.folders import configuration_folder

DEFAULT = "dark"
TERMINAL = "terminal"
_NEEDED = (
    "primary", "secondary", "accent", "foreground", "background", "surface", "panel", "success", "warning", "error",
)  # fmt: skip
_ANSI = ("default", *(name for name, number in ANSI_COLOR_NAMES.items() if number < 16))


@dataclass(frozen=True, slots=True)
class Skin:
    """A theme of the screen, and the colour maps that go with it. file: the user's own, None where it is shipped."""

    name: str
    theme: Theme
    unsigned: str
    signed: str
    file: Path | None = None

    @property
    def stamp(self) -> int:
        """Another number once the user's file is another one, 0 where there is none."""
        try:
            return self.file.stat().st_mtime_ns if self.file is not None else 0
        except OSError:
            return 0


def own_folder() -> Path:
    """Where a user's themes lie, whether it is there or not."""
    return configuration_folder() / "themes"


def names() -> tuple[str, ...]:
    """The shipped themes and the user's own."""
    shipped = {entry.name for entry in files("fer_tui_themes").iterdir()}
    own = {entry.name for entry in own_folder().glob("*.toml")}
    return tuple(sorted(name.removesuffix(".toml") for name in shipped | own if name.endswith(".toml")))


def load(name: str) -> Skin:
    """A theme, the user's own before a shipped one; InputError names the file, the line and the key that is wrong."""
    own, shipped = own_folder() / f"{name}.toml", files("fer_tui_themes").joinpath(f"{name}.toml")
    try:
        if own.is_file():
            return read(own.read_text("utf-8"), name, own)
        return read(shipped.read_text("utf-8"), name)
    except UnicodeDecodeError:
        raise InputError(own, "is not a text file in UTF-8") from None
    except OSError:
        known = names()
        raise InputError(
            f"theme {name}", f"there is none of that name{nearest(name, known)}", f"known: {', '.join(known)}"
        ) from None


def read(text: str, name: str, file: Path | None = None) -> Skin:
    """A theme from TOML: `dark`, `[colours]`, `[pictures]`; with `ansi = true` colours are the terminal's, by name."""
    shown = str(file or f"{name}.toml")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(shown, f"is not TOML: {error}") from None
    for key in data:
        _known(text, shown, key, ("dark", "ansi", "colours", "pictures"))
    for key in ("dark", "colours"):
        if key not in data:
            raise InputError(shown, f"{key} is missing")
    colours, pictures, ansi = data["colours"], data.get("pictures", {}), data.get("ansi", False)
    for key, table in (("colours", colours), ("pictures", pictures)):
        if not isinstance(table, dict):
            raise InputError(f"{shown}{_line(text, key)}: {key}", "is no table")
    for key in ("dark", "ansi"):
        if not isinstance(data.get(key, False), bool):
            raise InputError(f"{shown}{_line(text, key)}: {key}", "is neither true nor false")
    for key in colours:
        _known(text, shown, key, _NEEDED)
    if missing := [key for key in _NEEDED if key not in colours]:
        raise InputError(f"{shown}{_line(text, 'colours')}: colours", f"{missing[0]} is missing")
    for key, colour in colours.items():
        valid = colour in _ANSI if ansi else isinstance(colour, str) and re.fullmatch("#[0-9a-fA-F]{6}", colour)
        if not valid:
            mend = f"one of {', '.join(_ANSI)}" if ansi else "write it as '#rrggbb'"
            raise InputError(f"{shown}{_line(text, key)}: {key}", f"{plain(colour)!r} is no colour", mend)
    chosen = {"unsigned": "viridis", "signed": "blue-orange"}
    for key, value in pictures.items():
        _known(text, shown, key, tuple(chosen))
        chosen[key] = str(value)
        if file is not None:  # a test looks at those that are shipped: the first frame does not wait for NumPy
            _check_colour_map(value, f"{shown}{_line(text, key)}: {key}")
    given = {key: f"ansi_{colour}" if ansi else colour for key, colour in colours.items()}
    if ansi:  # what Textual's own widgets need besides
        given["variables"] = BUILTIN_THEMES["ansi-dark" if data["dark"] else "ansi-light"].variables
    theme = Theme(name=f"fer-{name}", dark=data["dark"], ansi=ansi, **given)  # type: ignore[arg-type]
    return Skin(name, theme, chosen["unsigned"], chosen["signed"], file)


def _check_colour_map(value: object, where: str) -> None:
    from fer_tui.picture import COLOUR_MAPS

    if value not in COLOUR_MAPS:
        raise InputError(where, f"there is no colour map {plain(value)}", f"known: {', '.join(COLOUR_MAPS)}")


def _known(text: str, file: str, key: str, known: tuple[str, ...]) -> None:
    if key not in known:
        raise InputError(
            f"{file}{_line(text, key)}: {plain(key)}", f"there is no such key{nearest(key, known)}", ", ".join(known)
        )


def _line(text: str, key: str) -> str:
    """':12' for the first line on which a key or a table of that name stands."""
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(rf"\s*\[?\s*[\"']?{re.escape(key)}[\"']?\s*[=\]]", line):
            return f":{number}"
    return ""
