"""The settings, each declared once: as a flag, as a key of fer-tui.toml, and how its value is read."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fer_tui.contract import Value, nearest
from fer_tui.terminal.facts import WAYS

BUILTIN = "builtin:"  # before the name of a dataset that needs no file
FITS = ("stretch", "crop", "pad")
Reads = Callable[[object], Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `read` takes a flag's text or a TOML value, and raises ValueError with the fault.

    names: what a text of it names: nothing, a file, or `file.py:name`; relative ones follow the file they stand in.
    screen: it is the explorer's alone, and a flag of no other command. has_flag: it can be given on the command line.
    """

    name: str
    group: Literal["data", "model", "run"]
    metavar: str
    help: str
    read: Reads
    names: Literal["", "file", "code"] = ""
    several: bool = False
    screen: bool = False
    has_flag: bool = True

    @property
    def key(self) -> str:
        """The name as it is written in fer-tui.toml."""
        return self.name.replace("_", "-")

    @property
    def flag(self) -> str:
        return {"model_args": "--model-arg", "stores": "--store"}.get(self.name, f"--{self.key}")


def _text(given: object) -> str:
    if not isinstance(given, str) or not given.strip():
        raise ValueError(f"{given!r} is not text")
    return given


def _texts(given: object) -> tuple[str, ...]:
    return tuple(_text(item) for item in (given if isinstance(given, list | tuple) else [given]))


def _weights(given: object) -> tuple[str, ...]:
    """Names of files and folders; `builtin:run` is the bundled training."""
    return tuple(bundled_run() if each == f"{BUILTIN}run" else each for each in _texts(given))


def _folder(given: object) -> str:
    """Name of a folder, which may not be there yet, or of the store in it; or none."""
    name = _text(given)
    path = Path(name)
    if path.is_dir() or not path.exists():
        return name
    if path.name == "store.sqlite":
        return str(path.parent)
    raise ValueError(f"{name} is a file: name the folder of a store, or a new one")


def bundled_run() -> str:
    """The folder of the training that comes with fer-tui."""
    import fer_tui_samples

    return str(fer_tui_samples.run_path())


def _count(given: object) -> int:
    if isinstance(given, str) and re.fullmatch(r"\s*\d+\s*", given):
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise ValueError(f"{given!r} is not a whole number above 0")
    return given


def _number(given: object) -> float:
    try:
        if isinstance(given, bool) or not isinstance(given, str | int | float):
            raise ValueError
        number = float(given)
    except ValueError:
        raise ValueError(f"{given!r} is not a number") from None
    if not math.isfinite(number):
        raise ValueError(f"{given!r} is not a finite number")
    return number


def _numbers(given: object) -> tuple[float, ...]:
    items = given.split(",") if isinstance(given, str) else given if isinstance(given, list | tuple) else [given]
    if not items:
        raise ValueError("it is empty")
    return tuple(_number(item) for item in items)


def _spread(given: object) -> tuple[float, ...]:
    numbers = _numbers(given)
    if any(number <= 0 for number in numbers):
        raise ValueError("a standard deviation must be above 0")
    return numbers


def _size(given: object) -> tuple[int, int]:
    parts = re.split(r"[x×]", given.lower()) if isinstance(given, str) else given
    if isinstance(parts, int) and not isinstance(parts, bool):
        parts = [parts, parts]
    if not isinstance(parts, list | tuple) or len(parts) != 2:
        raise ValueError(f"{given!r} is not a size such as 48x48 (height x width)")
    return _count(parts[0]), _count(parts[1])


def _truth(given: object) -> bool:
    if not isinstance(given, bool):
        raise ValueError(f"{given!r} is neither true nor false")
    return given


def _device(given: object) -> str:
    name = _text(given)
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", name):
        raise ValueError(f"{name!r} is none of auto, cpu, cuda:N, mps{nearest(name, ('auto', 'cpu', 'cuda', 'mps'))}")
    return name


def _fit(given: object) -> str:
    if given not in FITS:
        raise ValueError(f"{given!r} is none of {', '.join(FITS)}{nearest(str(given), FITS)}")
    return str(given)


def _graphics(given: object) -> str:
    if given not in WAYS:
        raise ValueError(f"{given!r} is none of {', '.join(WAYS)}{nearest(str(given), WAYS)}")
    return str(given)


def _keys(given: object) -> dict[str, tuple[str, ...]]:
    """Keys by action: one, a list of them, or '' for none."""
    from fer_tui.tui.bindings import remapped

    if not isinstance(given, dict):
        raise ValueError('it is no table such as [keys] with down = "j"')
    keys = {str(name): ((each,) if each else ()) if isinstance(each, str) else each for name, each in given.items()}
    for each in keys.values():
        if not isinstance(each, list | tuple) or not all(isinstance(key, str) and key for key in each):
            raise ValueError(f"{each!r} is neither a key nor a list of keys")
    remapped(keys)
    return {name: tuple(each) for name, each in keys.items()}


def _colours(given: object) -> dict[str, str]:
    """Colour maps by explainer."""
    from fer_tui.picture import COLOUR_MAPS

    if not isinstance(given, dict):
        raise ValueError('it is no table such as [colours] with saliency = "magma"')
    for name in given.values():
        if name not in COLOUR_MAPS:
            raise ValueError(f"{name!r} is none of {', '.join(COLOUR_MAPS)}{nearest(str(name), COLOUR_MAPS)}")
    return dict(given)


def _parameters(given: object) -> dict[str, dict[str, Value]]:
    """Values by explainer and parameter; whether they are such of theirs is known where explainers are described."""
    if not isinstance(given, dict):
        raise ValueError('it is no table such as [parameters.saliency] with variant = "smoothgrad"')
    for method, values in given.items():
        if not isinstance(values, dict):
            raise ValueError(f"{values!r} is no table: write [parameters.{method}]")
        for name, value in values.items():
            if not isinstance(value, bool | int | float | str):
                raise ValueError(f"{name}: {value!r} is neither a number, text, true nor false")
    return {method: dict(values) for method, values in given.items()}


def guest(given: object) -> str:
    """An explainer with some of its parameters: NAME or NAME:k=v,k=v."""
    from .asked import pairs_of

    name, _, pairs = _text(given).partition(":")
    if not name.strip():
        raise ValueError(f"{given!r} names no explainer")
    pairs_of(pairs)
    return str(given).strip()


def _guests(given: object) -> tuple[str, ...]:
    return tuple(map(guest, given if isinstance(given, list | tuple) else [given]))


def _classes(given: object) -> tuple[str, ...]:
    """Names, or the one name of a file that holds them."""
    if isinstance(given, str) and "," in given and not Path(given).is_file():
        given = [name.strip() for name in given.split(",")]
    names = _texts(given)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{twice[0]!r} is named twice")
    return names


def literal(text: str) -> Any:
    """The text of `key=value` as a typed value: a number, true, false, none, a Python literal; else the text."""
    named = {"true": True, "false": False, "none": None}
    if text.lower() in named:
        return named[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def key_value(text: str) -> tuple[str, str]:
    """The two sides of `key=value`; ValueError where there is no such pair."""
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise ValueError(f"{text!r} is not key=value")
    return key.strip(), value


def _keywords(given: object) -> dict[str, Any]:
    if isinstance(given, dict):
        return dict(given)
    pairs = [key_value(str(item)) for item in (given if isinstance(given, list | tuple) else [given])]
    return {key: literal(value) for key, value in pairs}


SETTINGS = (
    Setting(
        "data",
        "data",
        "D",
        "CSV, .npz, .parquet, .tar (WebDataset), class folders, pictures, file.py:name, builtin:faces, builtin:samples",
        _text,
        "file",
    ),
    Setting("split", "data", "S", "the split to open, where the data has several", _text),
    Setting("limit", "data", "N", "only the first N rows", _count),
    Setting("classes", "data", "A,B,...|FILE", "class names in the order of the network's outputs", _classes, "file"),
    Setting(
        "model",
        "model",
        "M",
        "file.py:Class, pkg.mod:factory or a bundled network; again: another network beside it, with its own flags",
        _text,
        "code",
    ),
    Setting("model_args", "model", "K=V", "a keyword argument of the model (again for more)", _keywords),
    Setting(
        "weights",
        "model",
        "W",
        "weights; several, or a folder of them, are the snapshots of a run, in order; builtin:run",
        _weights,
        "file",
        True,
    ),
    Setting("weights_key", "model", "KEY", "which part of the checkpoint, such as ema", _text),
    Setting("mean", "model", "F[,F,F]", "subtracted from x/255, one number or one a channel", _numbers),
    Setting("std", "model", "F[,F,F]", "x/255 - mean is divided by it", _spread),
    Setting("equalise", "model", "", "equalise the histogram of each image first", _truth),
    Setting("transform", "model", "FILE.py:FN", "your own preprocessing instead of mean and std", _text, "code"),
    Setting("fit", "model", "|".join(FITS), "how other sizes are brought to the network's", _fit),
    Setting("size", "model", "HxW", "height and width of the network's input", _size),
    Setting("output", "model", "FILE.py:FN", "turns the network's output into class scores", _text, "code"),
    Setting("device", "run", "auto|cpu|cuda:N|mps", "where to compute", _device),
    Setting("cache", "run", "DIR|none", "folder of the store and of parsed data", _folder, "file"),
    Setting("stores", "run", "DIR", "a further store, which is only read (again for more)", _texts, "file"),
    Setting("parameters", "run", "", "other defaults of explainers' parameters", _parameters, has_flag=False),
    Setting("colours", "run", "", "colour maps of heat maps, by explainer", _colours, has_flag=False),
    Setting(
        "report_with",
        "run",
        "",
        "explainers that a report has sections of, as --with has them",
        _guests,
        has_flag=False,
    ),
    Setting("graphics", "run", "|".join(WAYS), "how pictures are drawn in the terminal", _graphics, screen=True),
    Setting("theme", "run", "NAME", "the explorer's theme (Ctrl+T there shows them)", _text, screen=True),
    Setting(
        "keys", "run", "", "other keys for the explorer's actions, by their names", _keys, screen=True, has_flag=False
    ),
)
BY_NAME = {setting.name: setting for setting in SETTINGS}
