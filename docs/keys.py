"""Writes the table of keys into docs/explorer.md, from the one table of bindings: python docs/keys.py"""

from __future__ import annotations

from pathlib import Path

from fer_tui.tui.bindings import BINDINGS, SCREENS, key_name

GUIDE = Path(__file__).with_name("explorer.md")


def table() -> str:
    lines = ["| | key | |", "| --- | --- | --- |"]
    for each in BINDINGS:
        keys = ", ".join(f"`{key_name(key)}`" for key in each.keys)
        where = ", ".join(SCREENS[letter] for letter in each.screens)
        where = "" if set(each.screens) == set(SCREENS) else f" ({where})"
        lines.append(f"| {each.group} | {keys} | {each.help.replace('|', chr(92) + '|')}{where} |")
    return "\n".join(lines)


def main() -> None:
    before, _, rest = GUIDE.read_text().partition("## Keys\n")
    _, _, after = rest.partition("\n## ")
    GUIDE.write_text(f"{before}## Keys\n\n{table()}\n\n## {after}")


if __name__ == "__main__":
    main()
