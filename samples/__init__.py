"""The samples that come with fer-tui: 350 drawn faces, where everything in them is, and a network that knows them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MASKS", "faces_path", "load_masks", "weights_path"]

MASKS = ("eyes", "brows", "nose", "mouth", "face", "hand")


def faces_path() -> Path:
    """The drawn faces, an .npz: images uint8 (350, 48, 48), labels int64 (350,), class_names (7,) and packed masks."""
    return Path(str(files(__name__) / "faces.npz"))


def weights_path() -> Path:
    """The weights of the bundled network `fer-gap`, trained on drawn faces: safetensors, float16."""
    return Path(str(files(__name__) / "fer-gap.safetensors"))


def load_masks() -> dict[str, NDArray[np.bool_]]:
    """Where each of MASKS is seen in each face, by name: bool (350, 48, 48), in the order of the rows."""
    import numpy as np

    with np.load(faces_path(), allow_pickle=False) as stored:
        packed, names = stored["masks"], stored["mask_names"]
    masks = np.unpackbits(packed, axis=-1).view(np.bool_)
    return {str(name): masks[:, index] for index, name in enumerate(names)}
