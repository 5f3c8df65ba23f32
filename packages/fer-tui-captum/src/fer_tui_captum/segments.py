"""The parts of a picture that are hidden and shown: captum's feature masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SEGMENTATIONS = ("grid", "slic")
_FEWEST, _MOST = 16, 64  # so that what is drawn at random is drawn often enough for each
_AREA = 48  # pixels of a segment in a small picture: 48 segments for a face of 48 x 48


def segments(shown: NDArray[np.uint8], method: str, count: int) -> NDArray[np.int64]:
    """The segment of each pixel (H, W), from 0 on without gaps. shown: uint8 (H, W) or (H, W, 3).

    count: about how many; 0: as many as fit the size. slic: Achanta et al. 2012, more compact where the picture is
    rough and would fall into few parts.
    """
    height, width = shown.shape[:2]
    count = min(count or min(_MOST, max(_FEWEST, height * width // _AREA)), height * width)
    if method == "grid":
        return grid(height, width, count)
    from skimage.segmentation import slic

    rgb = np.repeat(shown[..., None], 3, 2) if shown.ndim == 2 else shown
    found = np.zeros((height, width), np.int64)
    for compactness in (10, 100, 1000):
        found = slic(rgb / 255.0, n_segments=count, compactness=compactness, start_label=0)
        if 2 * (found.max() + 1) >= count:
            break
    return np.unique(found, return_inverse=True)[1].reshape(height, width).astype(np.int64)


def grid(height: int, width: int, count: int) -> NDArray[np.int64]:
    """About `count` cells that are nearly squares."""
    rows = min(height, count, max(1, round((count * height / width) ** 0.5)))
    columns = min(width, max(1, round(count / rows)))
    cells: NDArray[np.int64] = (np.arange(height) * rows // height)[:, None] * columns + np.arange(
        width
    ) * columns // width
    return cells
