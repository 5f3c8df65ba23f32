"""Writes the tables of keys into docs/keys.md, from the one table of bindings: python docs/keys.py"""

from __future__ import annotations

from itertools import groupby

from marked import DOCS, cell, code, replaced, table

from fer_tui.tui.bindings import BINDINGS, SCREENS, Binding, key_name

PAGE = DOCS / "keys.md"


def row(each: Binding) -> tuple[str, ...]:
    everywhere = set(each.screens) == set(SCREENS)
    where = "all" if everywhere else ", ".join(SCREENS[letter] for letter in each.screens)
    return ", ".join(code(key_name(key)) for key in each.keys), cell(each.help), where, code(each.id)


def tables() -> str:
    """One table for each group, in the order of the help."""
    parts = []
    for group, bindings in groupby(sorted(BINDINGS, key=lambda each: _groups().index(each.group)), lambda b: b.group):
        parts.append(f"## {group}\n\n{table(('key', 'what it does', 'screens', 'name'), [row(b) for b in bindings])}")
    return "\n\n".join(parts)


def _groups() -> list[str]:
    return list(dict.fromkeys(each.group for each in BINDINGS))


def written(page: str) -> str:
    """The page as the code has it."""
    return replaced(page, "keys", "keys.py", tables())


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
