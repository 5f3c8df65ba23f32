"""stdout and stderr as they really are: data on the one, narration on the other; closed, piped or ASCII alike."""

from __future__ import annotations

import io
import json
import math
import os
import shutil
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fer_tui.contract import plain

if TYPE_CHECKING:
    from rich.console import Console


def prepare() -> None:
    """Make stdin, stdout and stderr usable: a closed one becomes the null device, no character is an error.

    A descriptor that is closed would go to the next file that is opened (the store's, say), and a stray print into it.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - lives as long as we
        elif isinstance(getattr(sys, name), io.TextIOWrapper):
            getattr(sys, name).reconfigure(errors="replace")


def forsake_stdout() -> None:
    """Send what is still buffered nowhere: the reader of the pipe has left."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    except (OSError, ValueError, AttributeError):  # stdout without a descriptor, as in a test
        pass


def say(text: object) -> None:
    """One line of narration, to stderr."""
    print(plain(text), file=sys.stderr, flush=True)


def say_lines(text: str) -> None:
    """Several lines, such as a traceback, to stderr."""
    for line in text.splitlines():
        say(line)


def put(text: str = "") -> None:
    """One line of data, to stdout, as it is: the caller has made it safe."""
    print(text)


def put_json(value: object) -> None:
    """`value` as strict JSON to stdout: ASCII only, null for what is no finite number."""
    print(json.dumps(_strict(value), indent=2, allow_nan=False))


def _strict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_strict(item) for item in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "tolist"):  # arrays and scalars of NumPy
        return _strict(value.tolist())
    return str(value)


def console() -> Console:
    """Rich's console on stdout; a pipe gets plain text, as wide as its longest line."""
    from rich.console import Console

    class Telling(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # Rich would end the process with 1, which means that a check failed

    if sys.stdout.isatty():
        # Rich takes a dumb terminal for one of 80 columns, whatever it says.
        width, height = shutil.get_terminal_size()
        return Telling(highlight=False, markup=False, emoji=False, width=width, height=height)
    return Telling(highlight=False, markup=False, emoji=False, color_system=None, width=200)
