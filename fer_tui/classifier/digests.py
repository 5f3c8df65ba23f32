"""Digests: blake2b-16 of tensors, of the source of a model, of what prepares its input."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from types import CodeType
from typing import Any

import torch
from torch import nn

_SIMPLE = (bool, int, float, str, bytes, type(None))


def digest_of(parts: Iterable[bytes | str]) -> str:
    """One digest of several parts, whose borders count."""
    total = blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "little") + data)
    return total.hexdigest()


def tensors_digest(tensors: Mapping[str, torch.Tensor]) -> bytes:
    """A digest of tensors by name, wherever they lie."""
    total = blake2b(digest_size=16)
    for name in sorted(tensors):
        if name.endswith("num_batches_tracked"):
            continue  # counts training steps; evaluation never reads it
        tensor = tensors[name].detach()
        total.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        total.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return total.digest()


def module_tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    """All parameters and buffers of `module` by name, those that its state dict leaves out included."""
    named = [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]
    return dict(named)


def all_tensors(module: nn.Module) -> list[torch.Tensor]:
    """The same without their names, in a fixed order: many times as fast."""
    found: list[torch.Tensor | None] = []
    waiting: list[nn.Module | None] = [module]
    while waiting:
        each = waiting.pop()
        if each is not None:
            found += each._parameters.values()
            found += each._buffers.values()
            waiting += each._modules.values()
    return [each for each in found if each is not None]


def module_source(module: nn.Module) -> str:
    """What decides the computation of `module` beside its tensors: its structure, its settings, its classes' source."""
    settings = [
        f"{name}.{key}={value!r}"
        for name, each in module.named_modules()
        for key, value in sorted(vars(each).items())
        if key[0] != "_" and key != "training" and _is_simple(value)
    ]
    classes = {type(each) for each in module.modules() if not type(each).__module__.startswith("torch.")}
    sources = sorted({source_of(each) for each in classes})
    return digest_of([_without_addresses(repr(module)), *settings, *sources])


def source_of(thing: Any) -> str:
    """A digest of the file that defines a class, function or object's class, else of its code; of settings too."""
    named = thing if inspect.isclass(thing) or inspect.isroutine(thing) else type(thing)
    parts: list[str | bytes] = [named.__module__.rpartition(".")[2], named.__qualname__]
    functions = vars(named).values() if inspect.isclass(named) else [named]
    codes = [code for each in functions if isinstance(code := getattr(each, "__code__", None), CodeType)]
    try:  # by the code's own file: two modules of one name may be loaded, from the folders of two networks
        path = Path(codes[0].co_filename if codes else inspect.getsourcefile(named) or "")
        parts.append(path.read_bytes() if path.is_file() else inspect.getsource(named))
    except (OSError, TypeError):
        parts += map(_code, codes)
    if codes and named is thing and not inspect.isclass(named):
        parts.append(_code(codes[0]))  # one line may hold several lambdas
    for cell in getattr(thing, "__closure__", None) or ():
        parts.append(repr(cell.cell_contents) if _is_simple(cell.cell_contents) else "")
    if named is not thing:
        parts.append(_without_addresses(repr(thing)))
        parts += [
            f"{key}={value!r}" for key, value in sorted(getattr(thing, "__dict__", {}).items()) if _is_simple(value)
        ]
    return digest_of(parts)


def _is_simple(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_simple, value))
    return isinstance(value, _SIMPLE)


def _code(code: CodeType) -> str:
    constants = [_code(each) if isinstance(each, CodeType) else repr(each) for each in code.co_consts]
    return digest_of([code.co_code, *code.co_names, *constants])


def _without_addresses(text: str) -> str:
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)
