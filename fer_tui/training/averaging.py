"""The running mean of a network's weights: steadier than the weights themselves."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Average:
    """Follows `live`: its `module` holds the exponential mean of live's weights and statistics (decay 0: a copy)."""

    def __init__(self, live: nn.Module, decay: float) -> None:
        self._decay = decay
        self.module = copy.deepcopy(live).eval().requires_grad_(False)
        pairs = list(zip(_tensors(self.module), _tensors(live), strict=True))
        self._means = [mean for mean, _ in pairs if mean.is_floating_point()]
        self._values = [value for mean, value in pairs if mean.is_floating_point()]
        self._others = [(mean, value) for mean, value in pairs if not mean.is_floating_point()]
        device = self._means[0].device
        self._kept = torch.zeros((), device=device)  # tensors, for a recorded CUDA graph cannot take new numbers
        self._taken = torch.ones((), device=device)

    def prepare(self, step: int) -> None:
        """Set the decay for `step` (from 0): young means forget faster, so that the first weights do not linger."""
        kept = min(self._decay, (1 + step) / (10 + step)) if self._decay else 0.0
        self._kept.fill_(kept)
        self._taken.fill_(1 - kept)

    @torch.no_grad()
    def update(self) -> None:
        torch._foreach_mul_(self._means, self._kept)
        torch._foreach_add_(self._means, torch._foreach_mul(self._values, self._taken))
        for mean, value in self._others:
            mean.copy_(value)


def _tensors(module: nn.Module) -> list[torch.Tensor]:
    return [each.detach() for each in (*module.parameters(), *module.buffers())]
