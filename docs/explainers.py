"""Writes the parameters of fer-tui's own explainers into docs/explainers/*.md: python docs/explainers.py"""

from __future__ import annotations

from collections.abc import Mapping

from marked import DOCS, cell, code, replaced, table

from fer_tui.cli.loading import named
from fer_tui.contract import ParameterInfo, Value

FOLDER, SCRIPT = DOCS / "explainers", "explainers.py"
OWN = ("saliency", "cam", "lime", "filter-ascent", "confusion")


def parameters(name: str) -> str:
    """The parameters of one explainer, and its other names."""
    description = named(name)[0]
    rows = [
        (code(each.name), code(_plain(each.default)), _values(each), cell(each.help)) for each in description.parameters
    ]
    parts = [table(("parameter", "default", "values", "what it is"), rows)]
    if description.aliases:
        known = [f"{code(alias)} ({cell(_meant(values))})" for alias, values in description.aliases.items()]
        parts.append(f"Also known as: {', '.join(known)}.")
    return "\n\n".join(parts)


def _meant(values: Mapping[str, Value]) -> str:
    return ", ".join(_plain(value) for value in values.values())


def _plain(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) or '""'


def _values(info: ParameterInfo) -> str:
    if info.choices:
        return ", ".join(map(code, info.choices))
    kind = {"bool": "true, false", "int": "whole number", "float": "number", "str": "text"}[info.type]
    low, high = ("" if bound is None else f"{bound:.12g}" for bound in (info.low, info.high))
    span = f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}" if high else ""
    return cell(" ".join(filter(None, (kind, span, info.unit))))


def written(page: str, name: str) -> str:
    """The page as the code has it."""
    return replaced(page, "parameters", SCRIPT, parameters(name))


if __name__ == "__main__":
    for each in OWN:
        file = FOLDER / f"{each}.md"
        file.write_text(written(file.read_text("utf-8"), each), "utf-8")
