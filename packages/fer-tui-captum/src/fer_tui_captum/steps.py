"""The steps of a network: which modules and functions captum's rules for backward passes can tell apart."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

# What acts on each number alone. captum's DeepLift knows some of them, its guided methods the ReLU alone.
ELEMENTWISE: tuple[type[nn.Module], ...] = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish, nn.Hardtanh,
    nn.Hardsigmoid, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.Softsign, nn.PReLU, nn.LogSigmoid,
)  # fmt: skip
MAX_POOLS: tuple[type[nn.Module], ...] = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
DROPPED: tuple[type[nn.Module], ...] = (  # they do nothing in evaluation mode
    nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout,
)  # fmt: skip
SHAPES: tuple[type[nn.Module], ...] = (
    nn.Flatten, nn.Unflatten, nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle, nn.ZeroPad2d,
)  # fmt: skip
LINEAR: tuple[type[nn.Module], ...] = (
    nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d,
    nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Upsample, nn.ReflectionPad2d, nn.ReplicationPad2d,
)  # fmt: skip

# Functions and methods that move numbers and leave them as they are.
MOVING = frozenset(
    {
        "flatten", "view", "reshape", "permute", "transpose", "squeeze", "unsqueeze", "contiguous", "getattr",
        "getitem", "cat", "concat", "stack", "chunk", "split", "unbind", "narrow", "expand", "expand_as", "clone",
        "float", "to", "type", "pad", "swapaxes", "movedim", "pixel_shuffle", "channel_shuffle", "zeros_like",
        "dropout", "dropout2d",
    }
)  # fmt: skip
DIVIDING = frozenset({"div", "truediv", "divide"})
# Functions that are linear in what comes from the image, where one argument does, and no divisor.
SCALING = DIVIDING | {
    "mul", "multiply", "neg", "mean", "sum", "conv1d", "conv2d", "conv3d", "linear", "batch_norm", "interpolate",
}  # fmt: skip
ADDING = frozenset({"add", "iadd", "sub", "isub", "rsub", "subtract"})  # linear in all their arguments

_WINDOW = ("kernel_size", "stride", "padding")
_MODULES: Mapping[str, tuple[type[nn.Module], tuple[str, ...]]] = {  # by function: its module, its arguments' names
    "relu": (nn.ReLU, ()),
    "relu6": (nn.ReLU6, ()),
    "leaky_relu": (nn.LeakyReLU, ("negative_slope",)),
    "elu": (nn.ELU, ("alpha",)),
    "celu": (nn.CELU, ("alpha",)),
    "selu": (nn.SELU, ()),
    "gelu": (nn.GELU, ("approximate",)),
    "silu": (nn.SiLU, ()),
    "mish": (nn.Mish, ()),
    "hardswish": (nn.Hardswish, ()),
    "hardsigmoid": (nn.Hardsigmoid, ()),
    "hardtanh": (nn.Hardtanh, ("min_val", "max_val")),
    "sigmoid": (nn.Sigmoid, ()),
    "tanh": (nn.Tanh, ()),
    "softplus": (nn.Softplus, ("beta", "threshold")),
    "softmax": (nn.Softmax, ("dim",)),
    "max_pool2d": (nn.MaxPool2d, (*_WINDOW, "dilation", "ceil_mode")),
    "avg_pool2d": (nn.AvgPool2d, (*_WINDOW, "ceil_mode", "count_include_pad", "divisor_override")),
    "adaptive_avg_pool2d": (nn.AdaptiveAvgPool2d, ("output_size",)),
}


def name_of(function: Callable[..., Any] | str) -> str:
    """A function's or method's name, without the underscore of its form in place."""
    name = function if isinstance(function, str) else str(getattr(function, "__name__", function))
    return name.rstrip("_")


def module_for(
    function: Callable[..., Any] | str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> nn.Module | None:
    """The module that computes what a call of `function` does to its first argument, None where there is none."""
    if name_of(function) not in _MODULES:
        return None
    kind, names = _MODULES[name_of(function)]
    given = {**dict(zip(names, args[1:], strict=False)), **kwargs}
    known = inspect.signature(kind).parameters
    return kind(**{key: value for key, value in given.items() if key in known and key != "inplace"})
