"""The explorer. Importing it loads neither Textual nor NumPy, let alone torch."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from socket import socket
from typing import TYPE_CHECKING

from fer_tui.contract import InputError, plain

if TYPE_CHECKING:
    from fer_tui.engine import Settings

__all__ = ["run"]


def run(settings: Settings | None, stream: socket | None = None, *, fresh: bool = False, debug: bool = False) -> int:
    """Show the explorer until the user leaves it; its exit code. 2: what `settings` name cannot be opened.

    stream: a connected socket whose other end computes on live objects; `settings` is then None.
    fresh: it does not go on where the last start ended. debug: what explainers printed is shown at the end.
    """
    os.environ.setdefault("TEXTUAL_FPS", "120")  # a frame is drawn after a key, not up to 17 ms later
    os.environ.setdefault("ESCDELAY", "1")  # ms: the sieve has waited already for what makes of an Esc another key
    from fer_tui.oversight import limits
    from fer_tui.terminal import Probe

    limits()  # says now what is wrong with them
    graphics = _graphics(settings)
    with Probe(graphics) as probe:  # it answers while all that follows is imported
        from .app import Explorer

        probe.gather()
        if probe.has_true_colour and not os.environ.get("COLORTERM"):
            os.environ["COLORTERM"] = "truecolor"  # ssh does not pass it on
        app = Explorer(settings, stream, probe, fresh=fresh)
        app.run()
    if debug:
        _show_printed(app.compute.printed())
    if app.refusal:
        print(f"fer-tui: {plain(app.refusal)}", file=sys.stderr)
        return 2
    return app.return_code or app.return_value or 0


def _show_printed(printed: Mapping[str, str]) -> None:
    for whose, text in printed.items():
        for line in (f"printed by explainer {whose}:", *text.splitlines()):
            print(plain(line), file=sys.stderr)


def _graphics(settings: Settings | None) -> str:
    """How pictures shall be drawn; InputError where that cannot be."""
    from fer_tui.terminal import VARIABLE, WAYS

    graphics = settings.graphics if settings is not None else os.environ.get(VARIABLE) or "auto"
    if graphics not in WAYS:
        raise InputError(VARIABLE, f"{graphics!r} is none of {', '.join(WAYS)}")
    if graphics == "textual-image" and not os.environ.get("NO_COLOR"):
        if importlib.util.find_spec("textual_image") is None:
            raise InputError("graphics", "textual-image is not installed", "pip install textual-image")
        from fer_tui.terminal.fallback import prepare

        prepare()
    return graphics
