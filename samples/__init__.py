"""What comes with fer-tui: 350 drawn faces, where everything in them is, a network that reads faces, and a training."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MASKS", "faces_path", "load_masks", "run_path", "weights_path"]

MASKS = ("eyes", "brows", "nose", "mouth", "face", "hand")


def faces_path() -> Path:
    """The drawn faces, an .npz: images uint8 (350, 48, 48), labels int64 (350,), class_names (7,) and packed masks."""
    return Path(str(files(__name__) / "faces.npz"))


def weights_path(network: str = "fer-res") -> Path:
    """The weights of a bundled network, safetensors, float16: those of `fer-gap` are the last of the training."""
    if network == "fer-gap":
        return max(run_path().glob("epoch-*.safetensors"))
    return Path(str(files(__name__) / f"{network}.safetensors"))


def run_path() -> Path:
    """The folder of a training of the small network `fer-gap`: run.json, and snapshots in the order of their names."""
    return Path(str(files(__name__) / "run"))


def load_masks() -> dict[str, NDArray[np.bool_]]:
    """Where each of MASKS is seen in each face, by name: bool (350, 48, 48), in the order of the rows."""
    import numpy as np

    with np.load(faces_path(), allow_pickle=False) as stored:
        packed, names = stored["masks"], stored["mask_names"]
    masks = np.unpackbits(packed, axis=-1).view(np.bool_)
    return {str(name): masks[:, index] for index, name in enumerate(names)}
