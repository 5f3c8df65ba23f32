"""Words that cross the house: the classes at home, text made safe for a terminal, and the nearest right name."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable

FER_CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

# Cc: control characters (ESC, C1); Cf: invisible ones, bidirectional overrides among them; Cs: lone surrogates
# (undecodable bytes of a file name); Zl, Zp: line breaks in disguise.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def plain(text: object) -> str:
    """`text` on one line, with every character that could steer a terminal written as an escape such as \\x1b.

    Rich and Textual markup is not touched: whoever shows the text passes it as `Text`, never as markup.
    """
    return "".join(
        char if unicodedata.category(char) not in _UNSAFE else char.encode("unicode_escape").decode("ascii")
        for char in str(text)
    )


def nearest(word: str, choices: Iterable[str]) -> str:
    """'; did you mean X?' for the choice that looks most like `word`, or ''."""
    names = {choice.lower(): choice for choice in choices}
    found = difflib.get_close_matches(word.lower(), names, n=1)
    return f"; did you mean {plain(names[found[0]])}?" if found else ""


def same_name(word: str, names: Iterable[str]) -> str | None:
    """The first of `names` that is `word` but for case, hyphens, underscores and spaces, None where none is."""
    wanted = _bare(word)
    return next((name for name in names if _bare(name) == wanted), None)


def _bare(name: str) -> str:
    return "".join(char for char in name.casefold() if char not in "-_ ")
