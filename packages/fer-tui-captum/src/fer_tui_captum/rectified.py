"""Guided backpropagation and deconvolution by captum, on a network whose every ReLU is a module."""

from __future__ import annotations

from torch import nn

from fer_tui.contract import Classifier, InputError

from .unrolled import Unrolled, unrolled

RECTIFIED = ("guided-backprop", "deconvolution")


def for_rectified(classifier: Classifier, method: str, layer: str | None = None) -> Unrolled:
    """The network unrolled, ReLU6 as a ReLU with a cap.

    InputError where it has no ReLU: the map would be the plain gradient in silence.
    """
    found = unrolled(classifier, method, layer, replacing=_relu_and_cap)
    if not any(isinstance(each, nn.ReLU) for each in found.network.inside.modules()):
        fault = f"{method} changes the gradient at every ReLU, and the network has none"
        raise InputError("parameter variant", fault, "variant=integrated-gradients works for any network")
    return found


def _relu_and_cap(module: nn.Module) -> nn.Module:
    if isinstance(module, nn.ReLU6):
        return nn.Sequential(nn.ReLU(), nn.Hardtanh(-1.0, 6.0))
    return module
