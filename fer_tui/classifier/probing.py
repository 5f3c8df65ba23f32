"""What one trial run tells of a network: input size, outputs, layers, a softmax head."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import isqrt
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin

from fer_tui.contract import InputError, Layer
from fer_tui.specs import blamed, first_line, user_code

from .outputs import Output, class_scores, precision, softmax_head
from .preprocessing import Preprocessing
from .untouched import untouched

# Sizes that image classifiers are trained at, the likeliest first; for gray networks, then for colour.
_GRAY_SIZES = (48, 224, 32, 64, 96, 128, 28, 227, 256, 299, 44, 42, 40, 112, 100, 84, 72, 56, 160, 192, 240, 384, 512)
_COLOUR_SIZES = (224, 48, *_GRAY_SIZES[2:])
_ATTRIBUTES = ("input_shape", "input_size", "image_size", "img_size")
_BATCH = 2  # tells the batch axis from the others


@dataclass(frozen=True)
class Trial:
    """One run of the network on random pictures. size_from: what said the input's size."""

    preprocessing: Preprocessing
    outputs: int
    layers: tuple[Layer, ...]
    softmax: str
    size_from: str
    notes: tuple[str, ...] = ()


def tried(
    module: nn.Module,
    name: str,
    prepared: Preprocessing,
    output: Output | None,
    size: tuple[int, int] | None,
    size_hint: tuple[int, int] | None,
    device: torch.device,
) -> Trial:
    """Run `module` at the first input size that works; `prepared.shape` is filled in. The module is left untouched."""
    lazy = any(isinstance(each, LazyModuleMixin) for each in module.modules())
    first_error: Exception | None = None
    failed: list[str] = []
    seen = set()
    colours = len(prepared.mean) == 3 or len(prepared.std) == 3
    for shape, source in _shapes(module, size, size_hint, colours, with_transform=prepared.transform is not None):
        if shape in seen:
            continue
        seen.add(shape)
        if lazy:
            _initialise(module, shape, device)
        with untouched(module), torch.no_grad():
            preprocessing, notes = _settled(replace(prepared, shape=shape), fixed=source == "given")
            generator = np.random.default_rng(0)
            height_width = preprocessing.shape[1:] + ((3,) if preprocessing.shape[0] != 1 else ())
            pictures = generator.integers(0, 256, (_BATCH, *height_width), np.uint8)
            inputs = preprocessing.inputs(list(pictures), device)
            try:
                returned, layers = _hooked(module, inputs.to(precision(module)))
            except Exception as failure:
                failed.append("×".join(map(str, shape)))
                first_error = first_error or failure
                continue
            with user_code("output"):
                scores = class_scores(returned, _BATCH, output)
        if failed and source not in ("given", "candidate"):
            notes += (f"the network does not run at {', '.join(failed)}",)
        return Trial(preprocessing, scores.shape[1], layers, softmax_head(scores), source, notes)
    error = first_error or InputError(name, "no input size to try")
    tries = ", ".join(failed[:4]) + (f" and {len(failed) - 4} more" if len(failed) > 4 else "")
    where = f"model {name}" + (f", {blamed(error)}" if blamed(error) else "")
    mend = (
        "check size, channels and the model's arguments"
        if size is not None or len(failed) == 1
        else "give the size of its input: --size HxW"
    )
    raise InputError(where, f"does not run on an input of {tries}: {first_line(error)}", mend) from error


def _initialise(module: nn.Module, shape: tuple[int, int, int], device: torch.device) -> None:
    """The first run of lazy layers, which makes other objects of them; what fails here fails again in the trial."""
    with contextlib.suppress(Exception), torch.no_grad():
        module.eval()(torch.zeros((_BATCH, *shape), device=device))


def _settled(prepared: Preprocessing, fixed: bool) -> tuple[Preprocessing, tuple[str, ...]]:
    """`prepared` with the shape that the user's transform makes, where there is one and no size was given."""
    if prepared.transform is None:
        return prepared, ()
    notes: tuple[str, ...] = ()
    picture = np.random.default_rng(1).integers(0, 256, (*prepared.shape[1:], 3), np.uint8)
    picture = prepared.shown(picture)
    first, second = prepared.transform_one(picture), prepared.transform_one(picture)
    if first.shape == second.shape and not torch.equal(first, second):
        notes = ("the transform is random: the same picture gives different inputs",)
    if first.ndim == 3 and not fixed:
        prepared = replace(prepared, shape=(first.shape[0], first.shape[1], first.shape[2]))
    return prepared, notes


def _hooked(module: nn.Module, inputs: torch.Tensor) -> tuple[Any, tuple[Layer, ...]]:
    """The module's output and its layers, in the order in which their outputs are ready; a reused one once."""
    layers: dict[str, Layer] = {}

    def noting(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def note(each: nn.Module, _: Any, made: Any) -> None:
            if name not in layers and isinstance(made, torch.Tensor) and made.ndim > 0 and made.shape[0] == _BATCH:
                shape = tuple(made.shape[1:])
                filters = shape[0] if len(shape) == 3 else 0
                weights = sum(parameter.numel() for parameter in each.parameters())
                layers[name] = Layer(name, type(each).__name__, shape, filters, weights)

        return note

    for name, each in module.named_modules():
        if name and not isinstance(each, torch.jit.ScriptModule):
            each.register_forward_hook(noting(name))
    return module(inputs), tuple(layers.values())


def _shapes(
    module: nn.Module, size: tuple[int, int] | None, hint: tuple[int, int] | None, colours: bool, with_transform: bool
) -> Iterator[tuple[tuple[int, int, int], str]]:
    """Input shapes to try, with what says so. colours: mean or std has a number for each of three channels."""
    channels, said = _channels(module), _said(module)
    if not with_transform and channels and channels[0] not in (1, 3):
        fault = f"its first convolution takes {channels[0]} channels, and pictures have 1 or 3"
        raise InputError(type(module).__name__, fault, "make its input with transform=file.py:function")
    if not channels:
        channels = (said[2],) if said and said[2] else (3,) if colours else (1, 3)
    if size is not None:
        yield from (((count, *size), "given") for count in channels)
        return
    if said:
        yield from (((count, said[0], said[1]), "the model") for count in channels)
    if hint is not None:
        yield from (((count, *hint), "the pictures") for count in channels)
    flat = next((each.in_features for each in module.modules() if isinstance(each, nn.Linear)), 0)
    for count in channels:
        side = isqrt(flat // count)
        if flat and not _channels(module) and side * side * count == flat:
            yield (count, side, side), "candidate"
    for count in channels:
        yield from (((count, side, side), "candidate") for side in (_GRAY_SIZES if count == 1 else _COLOUR_SIZES))


def _channels(module: nn.Module) -> tuple[int, ...]:
    """The channels of the first convolution, () where none says."""
    first = next((each for each in module.modules() if isinstance(each, nn.Conv2d)), None)
    return (first.in_channels,) if first is not None and first.in_channels else ()


def _said(module: nn.Module) -> tuple[int, int, int] | None:
    """(height, width, channels or 0) as the model's own attributes say."""
    sources: list[Any] = [getattr(module, name, None) for name in _ATTRIBUTES]
    sources += [getattr(getattr(module, "config", None), "image_size", None)]
    for table in ("pretrained_cfg", "default_cfg"):
        cfg = getattr(module, table, None)
        sources.append(cfg.get("input_size") if isinstance(cfg, dict) else None)
    for value in sources:
        if isinstance(value, dict):
            value = (value.get("height"), value.get("width"))
        if isinstance(value, int) and not isinstance(value, bool):
            value = (value, value)
        if isinstance(value, tuple | list) and all(isinstance(each, int) and each > 0 for each in value):
            if len(value) == 2:
                return value[0], value[1], 0
            if len(value) == 3:
                last = value[2] in (1, 3) and value[0] not in (1, 3)
                return (value[0], value[1], value[2]) if last else (value[1], value[2], value[0])
    return None
