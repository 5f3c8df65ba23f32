"""Weights files: read without running anything, the state dict found in whatever wraps it."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from fer_tui.contract import InputError, nearest, plain
from fer_tui.specs import first_line

from .formats import Format, refuse_archives, sniffed
from .pickles import StandIn, foreign_globals, read_inert

State = dict[str, torch.Tensor]
# Under which key a training script keeps the weights, the likeliest first.
_USUAL = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "state", "params", "weights")
_NO_WEIGHTS = ("optim", "sched", "scaler", "callbacks", "loops", "criterion", "rng")


@dataclass(frozen=True)
class Checkpoint:
    """A weights file as read. states: its state dicts by dotted key ('' where the file is one), likeliest first.

    facts: what else it says, flattened: epoch, accuracy, class names, ...
    """

    path: Path
    format: Format
    states: Mapping[str, State]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def state(self, key: str | None = None) -> tuple[str, State]:
        """The state dict under `key`, or the likeliest one, with its key."""
        if key is None:
            return next(iter(self.states.items()))
        if key not in self.states:
            known = f"it holds weights under {', '.join(name or 'no key' for name in self.states)}"
            raise InputError(self.path, f"has no weights under {key}{nearest(key, self.states)}", known)
        return key, self.states[key]


def read_checkpoint(path: Path, trust: bool = False) -> Checkpoint:
    """The weights file at `path`; InputError where it is none, or refused.

    trust: read a pickle that torch refuses, with empty stand-ins for what it names; still nothing of it is run.
    """
    kind = sniffed(path)
    refuse_archives(path, kind)
    try:
        content = _safetensors(path) if kind is Format.SAFETENSORS else _pickled(path, kind, trust)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # whatever a damaged file makes a parser raise
        mend = "copy or download it again"
        raise InputError(path, f"is truncated or damaged: {first_line(error, 120)}", mend) from error
    states = dict(sorted(_states(content), key=_likelihood))
    if not states:
        what = "an empty dict" if content == {} else f"a {type(content).__name__}"
        raise InputError(path, f"holds no named weights ({what})", "save model.state_dict()")
    return Checkpoint(path, kind, states, dict(_facts(content)))


def _safetensors(path: Path) -> Any:
    from safetensors import safe_open

    with safe_open(path, framework="pt", device="cpu") as file:
        said = {key: _json(value) for key, value in (file.metadata() or {}).items()}
        return {**said, "state_dict": {name: file.get_tensor(name) for name in file.keys()}}  # noqa: SIM118


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _pickled(path: Path, kind: Format, trust: bool) -> Any:
    if trust:
        return read_inert(path, kind)
    if kind is Format.PICKLE:
        raise _refusal(path, kind)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if foreign_globals(path, kind):
            raise _refusal(path, kind) from error
        raise


def _refusal(path: Path, kind: Format) -> InputError:
    names = foreign_globals(path, kind)
    some = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    fault = "is a pickle that could run code, so it was not opened" + (f"; it names {some}" if some else "")
    return InputError(path, fault, f"fer-tui init {plain(path)} --trust converts it; or save model.state_dict()")


def _states(content: Any, key: str = "", depth: int = 3) -> Iterator[tuple[str, State]]:
    """Every mapping of names to tensors in `content`, with its dotted key."""
    if isinstance(content, StandIn) and "_modules" in vars(content):
        content = dict(_module_state(content, ""))
    items = _items(content)
    tensors = {str(name): value for name, value in items.items() if _is_weight(value)}
    if tensors and not any(part.startswith(_NO_WEIGHTS) for part in key.lower().split(".")):
        yield key, tensors
    if depth:
        for name, value in items.items():
            if isinstance(name, str) and not isinstance(value, torch.Tensor):
                yield from _states(value, f"{key}.{name}" if key else name, depth - 1)


def _items(content: Any) -> Mapping[Any, Any]:
    if isinstance(content, StandIn):
        return vars(content).get("items_") or {}
    return content if isinstance(content, Mapping) else {}


def _is_weight(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.layout is torch.strided and not value.is_quantized


def _module_state(module: StandIn, prefix: str) -> Iterator[tuple[str, torch.Tensor]]:
    """The state dict of a whole pickled module whose class was not loaded."""
    own = vars(module)
    transient = own.get("_non_persistent_buffers_set", ())
    for name, value in {**own.get("_parameters", {}), **own.get("_buffers", {})}.items():
        if _is_weight(value) and name not in transient:
            yield prefix + name, value.detach()
    for name, child in own.get("_modules", {}).items():
        if isinstance(child, StandIn):
            yield from _module_state(child, f"{prefix}{name}.")


def _likelihood(entry: tuple[str, State]) -> tuple[bool, int, int]:
    """Sorts the likeliest weights first: several layers, under a usual key, more of them."""
    key, state = entry
    last = key.rpartition(".")[2].lower()
    rank = _USUAL.index(last) if last in _USUAL else len(_USUAL)
    return not any(value.ndim > 1 for value in state.values()), 0 if not key else rank + 1, -len(state)


def _facts(content: Any, prefix: str = "", depth: int = 2) -> Iterator[tuple[str, Any]]:
    """What a checkpoint says beside its tensors, numbers unwrapped."""
    for name, value in _items(content).items():
        if not isinstance(name, str) or name.lower().startswith(_NO_WEIGHTS):
            continue
        key = prefix + name
        if isinstance(value, torch.Tensor):
            if value.numel() == 1 and not prefix and value.ndim == 0:
                yield key, value.item()
        elif isinstance(value, str | int | float | bool | list | tuple):
            yield key, value
        elif hasattr(value, "item") and getattr(value, "size", 0) == 1:
            yield key, value.item()
        elif isinstance(value, Mapping | StandIn):
            if name in ("class_to_idx", "id2label", "idx_to_class", "label_map"):
                yield key, dict(_items(value))
            elif depth:
                yield from _facts(
                    vars(value) if isinstance(value, StandIn) and not _items(value) else value, key + ".", depth - 1
                )
