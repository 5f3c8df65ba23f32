"""What is said of a promise that is not kept, or that does not apply."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Broken(AssertionError):
    """A promise is broken: `fault` says what was seen, `mend` how to keep it."""

    def __init__(self, fault: str, mend: str, details: str = "") -> None:
        self.fault, self.mend, self.details = fault, mend, details
        super().__init__("\n".join(filter(None, [fault, f"mend: {mend}", details])))


class NotAsked(Exception):
    """The promise does not apply to this explainer; the message says why."""


def expect(holds: bool, fault: str, mend: str) -> None:
    """Broken where it does not hold."""
    if not holds:
        raise Broken(fault, mend)


@contextmanager
def told(what: str, mend: str = "the traceback below ends where it happened") -> Iterator[None]:
    """Whatever the explainer raises inside is a broken promise, with where in its own code that was."""
    try:
        yield
    except (Broken, NotAsked, KeyboardInterrupt):
        raise
    except BaseException as error:  # SystemExit too: it would end the tests
        raise Broken(f"{what}, it raised {type(error).__name__}: {error}", mend, _where(error)) from None


def _where(error: BaseException) -> str:
    """The traceback from the explainer's own code on: what the kit and the engine do above it says nothing."""
    frames = traceback.extract_tb(error.__traceback__)
    house = Path(__file__).parents[1]
    own = [
        frame for frame in frames if house not in Path(frame.filename).parents and "contextlib" not in frame.filename
    ]
    return "".join(traceback.format_list(own or list(frames)[-3:])).rstrip()
