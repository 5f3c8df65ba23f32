"""Weights matched to a network's names: usual prefixes stripped, and a misfit told in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from fer_tui.contract import InputError

from .weights import Checkpoint, State

# What profilers, averaged models and old versions of torch add or leave out; it does not change what is computed.
_HARMLESS = ("num_batches_tracked", "total_ops", "total_params", "n_averaged")


@dataclass(frozen=True)
class Match:
    """How weights fit a network. state: the entries that fit, under the network's names."""

    state: State
    missing: tuple[str, ...]
    left_over: tuple[str, ...]
    reshaped: tuple[str, ...]
    outside: tuple[str, ...] = ()  # left over beside the stripped prefix: another part of a training script

    @property
    def fits(self) -> bool:
        return not (self.missing or self.left_over or self.reshaped)


def matched(state: Mapping[str, torch.Tensor], module: nn.Module) -> Match:
    """`state` under the names of `module`."""
    wanted = {name: value for name, value in module.state_dict().items() if isinstance(value, torch.Tensor)}
    renamed, outside = _renamed(state, wanted)
    missing = [name for name in wanted if name not in renamed and not name.endswith(_HARMLESS)]
    left_over = [name for name in renamed if name not in wanted and not name.endswith(_HARMLESS)]
    fitting: State = {}
    reshaped = []
    for name, value in renamed.items():
        if name in wanted:
            if is_lazy(wanted[name]) or value.shape == wanted[name].shape:
                fitting[name] = value
            else:
                reshaped.append(f"{name} is {_shape(value)}, the network's {_shape(wanted[name])}")
    return Match(fitting, tuple(missing), tuple(left_over), tuple(reshaped), tuple(outside))


def fitting_state(checkpoint: Checkpoint, key: str | None, module: nn.Module, model: str) -> tuple[str, Match]:
    """The weights in `checkpoint` that fit `module`, with their key; InputError says what does not fit."""
    found, state = checkpoint.state(key)
    match = matched(state, module)
    if match.fits:
        return found, match
    others = [name for name, other in checkpoint.states.items() if name != found and matched(other, module).fits]
    if others and key is None:
        return others[0], matched(checkpoint.states[others[0]], module)
    raise InputError(checkpoint.path, f"does not fit {model}: {_words(match)}", _mend(match, others))


def _renamed(state: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor]) -> tuple[State, list[str]]:
    """`state` with wrappers' names taken off (or put on) as `wanted` has them, and the names beside the wrapper."""
    if state.keys() & wanted.keys() == wanted.keys():
        return dict(state), []
    parts = {part for name in wanted for part in name.split(".")}
    wrappers = {"_orig_mod", "module"} - parts
    plain = {".".join(part for part in name.split(".") if part not in wrappers): name for name in state}
    stripped = _commonest_prefix(plain, wanted)
    added = _commonest_prefix(wanted, plain)
    if 2 * max(stripped[1], added[1]) < len(wanted):
        return {name: state[old] for name, old in plain.items()}, []  # a chance likeness
    if stripped[1] >= added[1]:
        prefix = stripped[0]
        inside = {name[len(prefix) :]: state[old] for name, old in plain.items() if name.startswith(prefix)}
        return inside, [old for name, old in plain.items() if not name.startswith(prefix)]
    return {added[0] + name: state[old] for name, old in plain.items()}, []


def _commonest_prefix(names: Mapping[str, object], targets: Mapping[str, object]) -> tuple[str, int]:
    """The dotted prefix without which most `names` are `targets`, and how many; '' where nothing is better."""
    counts: Counter[str] = Counter()
    for name in names:
        parts = name.split(".")
        for start in range(len(parts)):
            if ".".join(parts[start:]) in targets:
                counts[".".join([*parts[:start], ""]) if start else ""] += 1
    best = max(counts, key=lambda prefix: (counts[prefix], -len(prefix)), default="")
    return best, counts[best]


def _words(match: Match) -> str:
    told = []
    for names, what in (
        (match.missing, "missing"),
        (match.left_over, "left over"),
        (match.reshaped, "of another shape"),
    ):
        if names:
            some = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
            told.append(f"{len(names)} {'entry' if len(names) == 1 else 'entries'} {what} ({some})")
    return ", ".join(told)


def _mend(match: Match, others: list[str]) -> str:
    if others:
        return f"the weights under {', '.join(others)} fit: --weights-key {others[0]}"
    if match.reshaped and not match.missing and not match.left_over:
        return "the same architecture with other arguments: --model-arg name=value"
    return "these are weights of another network; `fer-tui init` on the file looks for its class"


def load(module: nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    """Put weights that fit into `module`, cast to its types; a half or double network becomes float32."""
    module.load_state_dict(dict(state), strict=False)
    module.float()


def _shape(tensor: torch.Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "one number"
