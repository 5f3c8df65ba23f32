"""Names of files, from whatever things are called."""

from __future__ import annotations

from fer_tui.contract import plain


def file_name(*words: object) -> str:
    """A file's name from words: what is no letter, digit, point or dash in them becomes a dash."""
    parts = ("".join(each if each.isalnum() or each in ".-_" else "-" for each in plain(word)) for word in words)
    return "_".join(part.strip("-.")[:60] for part in parts if part) or "export"
