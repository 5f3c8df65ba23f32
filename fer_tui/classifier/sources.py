"""Python files near a checkpoint, read without running them: the modules they define, the numbers they normalise by."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FILES, _BYTES = 200, 500_000  # files looked at, and the largest of them
_SKIPPED = {"__pycache__", "site-packages", "node_modules", "build", "dist", "venv", "env"}
_REGISTERING = {"add_module", "register_module", "register_buffer", "register_parameter"}


@dataclass(frozen=True)
class Normalisation:
    """`Normalize(mean, std)` as some file writes it. where: file:line."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    where: str


def python_files(folder: Path) -> list[Path]:
    """Python files in `folder`, in the current folder, and one level below each."""
    found: dict[Path, None] = {}
    for root in dict.fromkeys((folder.resolve(), Path.cwd().resolve())):
        for place in (root, *_below(root)):
            try:
                with os.scandir(place) as entries:
                    paths = [Path(e.path) for e in entries if e.name.endswith(".py") and e.is_file()]
                found |= dict.fromkeys(path for path in sorted(paths) if path.stat().st_size <= _BYTES)
            except OSError:
                continue
    return list(found)[:_FILES]


def modules_in(path: Path) -> dict[str, set[str]]:
    """Network classes in a file, and functions that return one: name -> attributes that class and bases set."""
    tree = _parsed(path)
    if tree is None:
        return {}
    nodes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    found: dict[str, set[str]] = {}
    for name in nodes:
        family, others = _family(name, nodes)
        if any("Module" in other or other == "Sequential" for other in others):
            found[name] = {attribute for each in family for attribute in _attributes(nodes[each])}
    for function in [node for node in tree.body if isinstance(node, ast.FunctionDef)]:
        for each in ast.walk(function):
            if isinstance(each, ast.Return) and isinstance(call := each.value, ast.Call):
                made = call.func.id if isinstance(call.func, ast.Name) else ""
                if made in found:
                    found[function.name] = found[made]
    return found


def normalisations(folder: Path) -> list[Normalisation]:
    """What the Python files near `folder` normalise by, as written out in numbers; the same numbers once."""
    found: dict[tuple[tuple[float, ...], tuple[float, ...]], Normalisation] = {}
    for path in python_files(folder):
        tree = _parsed(path)
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)] if tree is not None else []
        for node in sorted(calls, key=lambda call: call.lineno):
            name = node.func
            called = name.attr if isinstance(name, ast.Attribute) else name.id if isinstance(name, ast.Name) else ""
            if called == "Normalize":
                given = {each.arg: each.value for each in node.keywords} | dict(
                    zip(("mean", "std"), node.args, strict=False)
                )
                mean, std = _numbers(given.get("mean")), _numbers(given.get("std"))
                if mean and std and len(mean) == len(std) and all(value > 0 for value in std):
                    found.setdefault((mean, std), Normalisation(mean, std, f"{path}:{node.lineno}"))
    return list(found.values())


def _below(root: Path) -> Iterator[Path]:
    try:
        with os.scandir(root) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return
    yield from (root / name for name in names if name[0] != "." and name not in _SKIPPED)


def _parsed(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _family(name: str, nodes: dict[str, ast.ClassDef]) -> tuple[set[str], set[str]]:
    """A class with its bases in the same file, and the names of the bases from elsewhere."""
    family: set[str] = set()
    others: set[str] = set()
    left = [name]
    while left:
        each = left.pop()
        if each in family:
            continue
        family.add(each)
        for base in nodes[each].bases:
            if isinstance(base, ast.Name) and base.id in nodes:
                left.append(base.id)
            elif isinstance(base, ast.Name | ast.Attribute):
                others.add(base.id if isinstance(base, ast.Name) else base.attr)
    return family, others


def _attributes(node: ast.ClassDef) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store) and isinstance(each.value, ast.Name):
            yield each.attr
        elif isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr in _REGISTERING:
            first = each.args[0] if each.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def _numbers(node: ast.expr | None) -> tuple[float, ...]:
    """The numbers that an expression spells out: .5, (.5,), [.485, .456, .406]; () where it does not."""
    if node is None:
        return ()
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return ()
    values = value if isinstance(value, tuple | list) else (value,)
    return tuple(map(float, values)) if all(isinstance(each, int | float) for each in values) else ()
