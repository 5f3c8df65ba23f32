"""What may be typed next in a narrowing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from . import narrowing

_SIGNS = ("<", "<=", ">", ">=", "=")
_FIELD = re.compile(r"(true|pred|learned|lost):", re.IGNORECASE)
_PART = re.compile(r'(?:[^\s"]|"[^"]*"?)*$')
_NAME = re.compile(r'(?:[^,"]|"[^"]*"?)*$')


@dataclass(frozen=True, slots=True)
class Completion:
    """What may stand from character `start` on to the cursor, the likeliest first."""

    start: int
    words: tuple[str, ...] = ()

    def take(self, text: str, cursor: int, number: int) -> tuple[str, int]:
        """The text with one of the words in it, and where the cursor is then."""
        word = self.words[number]
        end = self.start + len(word)
        space = " " if text[cursor:] == "" and word[-1] not in ":<>=" else ""
        return f"{text[: self.start]}{word}{space}{text[cursor:]}", end + len(space)


def complete(
    text: str, cursor: int, classes: Sequence[str], checkpoints: Sequence[str] = (), *, several: bool = False
) -> Completion:
    """What the term before the cursor may become; nothing where it is whole. several: other networks are open, too."""
    before = text[:cursor]
    part = _PART.search(before)
    term = part.group() if part is not None else ""
    turned = len(term) - len(term.lstrip("-!"))
    term, start = term[turned:], cursor - len(term) + turned
    if field := _FIELD.match(term):
        names = _NAME.search(term[field.end() :])
        begun = names.group() if names is not None else ""
        return Completion(cursor - len(begun), tuple(_named(field[1].lower(), begun, classes, checkpoints)))
    known = narrowing.beginnings(run=len(checkpoints) > 1, pair=several or len(checkpoints) > 1)
    found = [each for each in known if each.startswith(term.lower()) and each != term]
    if term.lower() + "<" in known:
        found = [f"{term}{sign}" for sign in _SIGNS]
    return Completion(start, tuple(found) if before else ())


def _named(field: str, begun: str, classes: Sequence[str], checkpoints: Sequence[str]) -> list[str]:
    """Names that begin so, then those that have it within them."""
    if field in ("true", "pred"):
        typed = [narrowing.classes_term("", classes, number)[1:] for number in range(len(classes))]
        names = list(zip(classes, typed, strict=True))
    else:
        from fer_tui.timeline import short_names

        names = [(name, name) for name in short_names(checkpoints)]
    part = begun.strip('"').lower()
    first = [typed for name, typed in names if name.lower().startswith(part) and typed != begun]
    return first + [
        typed for name, typed in names if part and part in name.lower()[1:] and typed not in (begun, *first)
    ]
