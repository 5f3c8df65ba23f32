"""Themes: colours of the screen and of the heat maps, from TOML files."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files

from textual.theme import Theme

from fer_tui.contract import InputError

DEFAULT = "dark"
_COLOURS = ("primary", "secondary", "accent", "foreground", "background", "surface", "panel", "success", "warning")
_NEEDED = (*_COLOURS, "error")


@dataclass(frozen=True, slots=True)
class Skin:
    """A theme of the screen, and the colour maps that go with it."""

    theme: Theme
    unsigned: str
    signed: str


def names() -> tuple[str, ...]:
    """The shipped themes."""
    found = (entry.name for entry in files("fer_tui_themes").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


def load(name: str) -> Skin:
    """A shipped theme; InputError names the file and the key that is wrong."""
    file = f"{name}.toml"
    try:
        text = files("fer_tui_themes").joinpath(file).read_text("utf-8")
    except OSError:
        raise InputError(f"theme {name}", "there is no such theme", f"known: {', '.join(names())}") from None
    return read(text, file)


def read(text: str, file: str) -> Skin:
    """A theme from TOML: `dark`, `[colours]`, `[pictures]`."""
    try:
        data = tomllib.loads(text)
        colours = data["colours"]
        pictures = data.get("pictures", {})
        missing = [key for key in _NEEDED if key not in colours]
        if missing:
            raise InputError(f"{file}, [colours]", f"{missing[0]} is missing")
        unknown = [key for key in colours if key not in _NEEDED]
        if unknown:
            raise InputError(f"{file}, [colours]", f"{unknown[0]} is no colour of a theme", ", ".join(_NEEDED))
        theme = Theme(name=f"fer-{file.removesuffix('.toml')}", dark=bool(data["dark"]), **colours)
        theme.to_color_system().generate()
    except tomllib.TOMLDecodeError as error:
        raise InputError(file, str(error)) from None
    except KeyError as error:
        raise InputError(file, f"{error.args[0]} is missing") from None
    except (ValueError, TypeError) as error:
        raise InputError(file, f"no theme: {error}") from None
    return Skin(theme, pictures.get("unsigned", "viridis"), pictures.get("signed", "blue-orange"))
