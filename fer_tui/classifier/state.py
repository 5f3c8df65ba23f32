"""All of a module, and of the process, that an explainer must leave as it was: as values that can be compared."""

from __future__ import annotations

import random
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from torch import nn

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def state(module: nn.Module) -> dict[str, object]:
    """By the name that a finding tells: weights and buffers, hooks, requires_grad, .grad, modes, random states."""
    modules, parameters = list(module.modules()), list(module.named_parameters())
    bytes_of = blake2b(digest_size=16)
    for _, tensor in [*parameters, *module.named_buffers()]:
        bytes_of.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    numbers: Any = np.random.get_state(legacy=False)
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    return {
        "parameters": bytes_of.hexdigest(),
        "hooks": [list(getattr(each, name)) for each in modules for name in _HOOKS],
        "requires_grad": [parameter.requires_grad for _, parameter in parameters],
        "grad": [(id(p.grad), None if p.grad is None else p.grad.sum().item()) for _, p in parameters],
        "modes": [each.training for each in modules],
        "random state": [
            torch.get_rng_state().numpy().tobytes(),
            (numbers["state"]["key"].tobytes(), numbers["state"]["pos"]),
            random.getstate(),
            [each.numpy().tobytes() for each in cuda],
        ],
    }


def changes(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """The names of what differs between two states."""
    return [name for name, value in before.items() if after[name] != value]
