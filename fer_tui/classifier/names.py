"""Names of the classes, in the order of the network's outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fer_tui.contract import FER_CLASSES, InputError

# Under which keys a checkpoint, a configuration or a JSON file keeps them.
KEYS = ("class_to_idx", "classes", "class_names", "id2label", "idx_to_class", "label_map", "label_names", "categories")


def parse_classes(given: Sequence[str] | str | Path) -> tuple[str, ...]:
    """Class names as given: names, `a,b,c`, or a file (one name a line, or JSON: a list, class_to_idx or id2label)."""
    if isinstance(given, str | Path):
        entries = [given] if isinstance(given, Path) or "," not in given or Path(given).is_file() else given.split(",")
    else:
        entries = list(given)
    if len(entries) == 1:
        path = Path(entries[0])
        if isinstance(entries[0], Path) or path.is_file() or path.suffix in (".txt", ".json", ".names"):
            return _from_file(path)
    return _checked("classes", [entry.strip() if isinstance(entry, str) else entry for entry in entries])


def names_in(facts: Mapping[str, Any]) -> tuple[str, tuple[str, ...]] | None:
    """The class names that a checkpoint's facts (flattened, dotted) or a configuration hold, with their key."""
    for wanted in KEYS:
        for key, value in facts.items():
            if key.rpartition(".")[2] == wanted and isinstance(value, Mapping | list | tuple):
                try:
                    return key, _ordered(key, value)
                except InputError:
                    continue
    return None


def placeholder(count: int) -> tuple[str, ...]:
    """The FER order for seven outputs, "class 0" and so on for any other number."""
    return FER_CLASSES if count == len(FER_CLASSES) else tuple(f"class {index}" for index in range(count))


def told_of_placeholder(names: Sequence[str]) -> str:
    """The note on names that stand in."""
    known = tuple(names) == FER_CLASSES
    return f"assumed the FER order of classes: {', '.join(names)}" if known else "class names are not known"


def _from_file(path: Path) -> tuple[str, ...]:
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        mend = "name a file with a class a line, or the classes themselves: A,B,..."
        raise InputError(path, "no such file of class names", mend) from None
    except UnicodeDecodeError:
        raise InputError(path, "is no text file", "one class name a line, or JSON") from None
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror}") from error
    if text.lstrip()[:1] not in ("{", "["):
        return _checked(path, [line.strip() for line in text.splitlines() if line.strip()])
    try:
        content = json.loads(text)
    except ValueError as error:
        raise InputError(path, f"is no valid JSON: {error}", "one class name a line will do") from None
    if isinstance(content, dict) and (nested := next((content[key] for key in KEYS if key in content), None)):
        content = nested
    return _ordered(path, content)


def _ordered(where: object, content: Mapping[Any, Any] | Sequence[Any]) -> tuple[str, ...]:
    """Names in order from a list, from name -> index, or from index -> name."""
    if not isinstance(content, Mapping):
        return _checked(where, content)
    pairs = list(content.items())
    if all(_is_index(value) for _, value in pairs):
        by_index = {int(index): name for name, index in pairs}
    elif all(_is_index(key) for key, _ in pairs):
        by_index = {int(index): name for index, name in pairs}
    else:
        raise InputError(where, "is no table of class names", 'write {"angry": 0, "disgust": 1, ...}')
    if sorted(by_index) != list(range(len(pairs))):
        raise InputError(where, f"its indices are not 0 to {len(pairs) - 1}", "number the classes from 0 without gaps")
    return _checked(where, [by_index[index] for index in range(len(pairs))])


def _is_index(value: object) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and value.isdecimal())


def _checked(where: object, names: Sequence[Any]) -> tuple[str, ...]:
    if not names:
        raise InputError(where, "names no class", "write the name of each, in the order of the outputs")
    for name in names:
        if not isinstance(name, str) or not name:
            raise InputError(where, f"{name!r} is no class name", "write it as text")
    if len(set(names)) < len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise InputError(where, f"names the class {twice} twice", "each output has a name of its own")
    return tuple(names)
