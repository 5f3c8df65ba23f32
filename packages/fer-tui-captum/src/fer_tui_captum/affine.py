"""Arithmetic with a constant, as a module."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

_OPERATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "iadd": operator.add,
    "sub": operator.sub,
    "isub": operator.sub,
    "subtract": operator.sub,
    "mul": operator.mul,
    "imul": operator.mul,
    "multiply": operator.mul,
    "div": operator.truediv,
    "truediv": operator.truediv,
    "itruediv": operator.truediv,
    "divide": operator.truediv,
}


class Affine(nn.Module):
    """x op constant, or constant op x (left): linear in x, place by place. Relevance passes through it as it is."""

    def __init__(self, operation: str, constant: Any, *, left: bool) -> None:
        super().__init__()
        self._operation, self._left = _OPERATIONS[operation], left
        if isinstance(constant, Tensor):
            self.register_buffer("constant", constant.detach(), persistent=False)
        else:
            self.constant = constant

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self._operation(self.constant, x) if self._left else self._operation(x, self.constant)
        return made


def is_affine(operation: str, *, left: bool) -> bool:
    """Whether the operation with a constant is linear in the other side; left: the constant is the first one."""
    return operation in _OPERATIONS and not (left and _OPERATIONS[operation] is operator.truediv)
