"""Segments: the parts of a picture that LIME shows and hides."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SEGMENTATIONS = ("slic", "quickshift", "felzenszwalb", "grid")
FEW = 15  # segments under which a map is too coarse to say where the evidence is

_FEWEST, _MOST = 16, 100  # so that 1000 samples are ten for each segment at least
_COMPACTNESS = (10, 100, 1000)  # slic: the library's own, then nearer to a grid
_AREA = 46  # pixels of a segment in a small picture: 50 segments for a face of 48 x 48


def fitting_count(height: int, width: int) -> int:
    """A count of segments that fits a picture's size: 50 for 48 x 48, 100 from 68 x 68 on."""
    return min(_MOST, max(_FEWEST, height * width // _AREA))


def segmented(rgb: NDArray[np.float64], method: str, count: int) -> NDArray[np.int64]:
    """The segment of each pixel, (H, W), numbered from 0 without gaps.

    rgb: (H, W, 3) in 0..1. count: about how many, 0 for as many as fit the size; quickshift finds its own count.
    slic: Achanta et al. 2012, more compact where a rough picture would fall apart. quickshift: Vedaldi and Soatto
    2008, as the lime package sets it. felzenszwalb: Felzenszwalb and Huttenlocher 2004, no segment smaller than a
    third of the average one.
    """
    height, width = rgb.shape[:2]
    count = min(count or fitting_count(height, width), height * width)
    if method == "grid":
        return grid(height, width, count)
    from skimage import segmentation

    if method == "slic":  # start_label=1, the library's default, would leave one segment that is never hidden
        for compactness in _COMPACTNESS:
            found = segmentation.slic(rgb, n_segments=count, compactness=compactness, start_label=0)
            if 2 * (found.max() + 1) >= count:
                break
    elif method == "quickshift":
        quickshift: Any = segmentation.quickshift
        found = quickshift(rgb, kernel_size=4, max_dist=200, ratio=0.2)
    elif method == "felzenszwalb":
        smallest = max(1, height * width // (3 * count))
        found = segmentation.felzenszwalb(rgb, scale=20, sigma=0.5, min_size=smallest)
    else:
        raise ValueError(f"{method!r} is none of {', '.join(SEGMENTATIONS)}")
    return np.unique(found, return_inverse=True)[1].reshape(height, width).astype(np.int64)


def grid(height: int, width: int, count: int) -> NDArray[np.int64]:
    """About `count` cells, as near to squares as the picture's sides allow; their sides differ by a pixel at most."""
    rows = min(height, count, max(1, round(np.sqrt(count * height / width))))
    columns = min(width, max(1, round(count / rows)))
    down = np.arange(height) * rows // height
    across = np.arange(width) * columns // width
    cells: NDArray[np.int64] = down[:, None] * columns + across
    return cells
