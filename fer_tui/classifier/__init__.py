"""Open a PyTorch classifier, or look at a checkpoint before. Importing this door loads no torch; opening does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_tui.doors import door

if TYPE_CHECKING:
    from .architectures import Candidate, find_architectures
    from .checkpoints import CheckpointReport, convert_checkpoint, inspect_checkpoint
    from .classifier import TorchClassifier
    from .device import choose_device
    from .opening import open_classifier
    from .several import Networks
    from .sources import Normalisation, normalisations

_ROOMS = {
    "Candidate": "architectures",
    "CheckpointReport": "checkpoints",
    "Networks": "several",
    "Normalisation": "sources",
    "TorchClassifier": "classifier",
    "choose_device": "device",
    "convert_checkpoint": "checkpoints",
    "find_architectures": "architectures",
    "inspect_checkpoint": "checkpoints",
    "normalisations": "sources",
    "open_classifier": "opening",
}

__all__ = [
    "Candidate",
    "CheckpointReport",
    "Networks",
    "Normalisation",
    "TorchClassifier",
    "choose_device",
    "convert_checkpoint",
    "find_architectures",
    "inspect_checkpoint",
    "normalisations",
    "open_classifier",
]

__getattr__ = door(__name__, _ROOMS)
