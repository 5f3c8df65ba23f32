"""Checkpoints that are pickles: what they name, and how to read one without running what it names."""

from __future__ import annotations

import io
import pickle
import pickletools
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import torch

from .formats import Format


def foreign_globals(path: Path, kind: Format) -> tuple[str, ...]:
    """The functions and classes, beyond tensors and plain containers, that the pickle would call; read, never run."""
    if kind is Format.TORCH:
        try:
            return tuple(sorted(torch.serialization.get_unsafe_globals_in_checkpoint(str(path))))
        except Exception:  # torch reads only the opcodes that torch.save writes
            names = _zipped_globals(path)
    else:
        with path.open("rb") as file:
            names = set(_globals(file))
    return tuple(sorted(name for name in names if not _known(*name.rpartition(".")[::2])))


def read_inert(path: Path, kind: Format) -> Any:
    """The content of a pickled checkpoint with an empty stand-in for every class or function that is not known.

    Only what rebuilds tensors, arrays and plain containers is real: no code that the pickle names is imported or run.
    """
    if kind is Format.PICKLE:
        with path.open("rb") as file:
            return _Inert(file).load()
    module = SimpleNamespace(Unpickler=_Inert, load=lambda file, **options: _Inert(file, **options).load())
    module.__name__ = "inert"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the source of a stand-in cannot be compared
        return torch.load(path, map_location="cpu", pickle_module=module, weights_only=False)


class StandIn:
    """An object of a class that was not loaded: its attributes, and nothing that runs."""

    def __new__(cls, *args: Any, **keywords: Any) -> StandIn:
        return object.__new__(cls)

    def __init__(self, *args: Any, **keywords: Any) -> None:
        self.items_: dict[Any, Any] = {}

    def __call__(self, *args: Any, **keywords: Any) -> StandIn:
        return StandIn()

    def __setstate__(self, state: Any) -> None:
        for part in state if isinstance(state, tuple) else (state,):
            if isinstance(part, dict):
                vars(self).update((str(key), value) for key, value in part.items())

    def __setitem__(self, key: Any, value: Any) -> None:
        vars(self).setdefault("items_", {})[key] = value

    def append(self, value: Any) -> None:
        """Items of unknown lists are let go."""

    def extend(self, values: Any) -> None:
        """Items of unknown lists are let go."""


class _Inert(pickle.Unpickler):
    def find_class(self, module: str, name: str, /) -> Any:
        if (module, name) == ("torch.storage", "_load_from_bytes"):
            return lambda data: torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        if _known(module, name):
            return super().find_class(module, name)
        return type(name, (StandIn,), {"__module__": module})


_BUILTINS = {
    "set",
    "frozenset",
    "dict",
    "list",
    "tuple",
    "int",
    "float",
    "str",
    "bytes",
    "bytearray",
    "complex",
    "bool",
}
_NUMPY = {"_reconstruct", "scalar", "ndarray", "dtype", "_frombuffer"}
_TORCH = {"Tensor", "Size", "device", "Parameter", "Buffer", "_rebuild_from_type_v2"}


def _known(module: str, name: str) -> bool:
    """Whether a global only builds tensors, arrays or plain containers.

    A dotted name is never known: it would reach from a function to its code, and from there to anything.
    """
    if "." in name:
        return False
    root = module.partition(".")[0]
    if module in ("builtins", "__builtin__"):
        return name in _BUILTINS
    if module == "collections":
        return name in ("OrderedDict", "defaultdict", "Counter")
    if root == "numpy":
        return name in _NUMPY or (module == "numpy.dtypes" and name.endswith("DType"))
    if module == "torch._utils":
        return name.startswith("_rebuild_")
    if module in ("torch", "torch.cuda", "torch.storage") and name.endswith("Storage"):
        return True
    if module == "torch" and isinstance(getattr(torch, name, None), torch.dtype):
        return True
    if module in ("torch", "torch._tensor", "torch.nn.parameter"):
        return name in _TORCH
    return (module, name) == ("_codecs", "encode")


def _zipped_globals(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        record = next(name for name in archive.namelist() if name.partition("/")[2] == "data.pkl")
        return set(_globals(io.BytesIO(archive.read(record))))


def _globals(file: BinaryIO) -> Iterator[str]:
    """module.name of every global in the pickles at the start of `file`, by disassembling them."""
    while True:
        strings: list[str] = []
        memo: dict[int, str] = {}
        try:
            for opcode, argument, _ in pickletools.genops(file):
                if opcode.name in ("GLOBAL", "INST"):
                    yield str(argument).replace(" ", ".")
                elif opcode.name == "STACK_GLOBAL":
                    yield ".".join(strings[-2:])
                elif "UNICODE" in opcode.name or "STRING" in opcode.name:
                    strings.append(str(argument))
                elif opcode.name == "MEMOIZE":
                    memo[len(memo)] = strings[-1] if strings else ""
                elif opcode.name in ("BINGET", "LONG_BINGET") and argument in memo:
                    strings.append(memo[argument])
        except ValueError:  # the end of the file, or the raw tensors after the last pickle
            return
