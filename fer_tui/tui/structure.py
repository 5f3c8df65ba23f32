"""A network's modules as the lines of a tree, narrowed by what is typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fer_tui.contract import Layer


@dataclass(frozen=True, slots=True)
class Branch:
    """One line. depth: of the tree, from 0; leaf: the last part of its name; found: whether it is what was typed."""

    module: Layer
    depth: int
    leaf: str
    found: bool = True


def branches(modules: Sequence[Layer], typed: str = "") -> list[Branch]:
    """The modules that all typed words are found in (name, class or shape), each below its parents."""
    words = typed.lower().split()
    found = [module for module in modules if all(word in _text(module) for word in words)]
    wanted = {module.name for module in found}
    shown = wanted | {parent for name in wanted for parent in parents(name)}
    return [
        Branch(module, module.name.count("."), module.name.rpartition(".")[2], module.name in wanted)
        for module in modules
        if module.name in shown
    ]


def parents(name: str) -> list[str]:
    """The names of the modules that hold this one, the outermost first."""
    parts = name.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts))]


def shape_of(module: Layer) -> str:
    """An output's shape without the batch axis, '–' where the module returns no tensor."""
    return "×".join(map(str, module.shape)) or "–"


def _text(module: Layer) -> str:
    return f"{module.name} {module.kind} {shape_of(module)}".lower()
