"""Views of a LIME explanation: chosen segments, their mask and outline, the rest hidden.

`image_and_mask` means what `ImageExplanation.get_image_and_mask` of the lime package (0.2.0.1) means.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)
Segments = NDArray[np.integer[Any]]
Coefficients = NDArray[np.floating[Any]]


def ranked(coefficients: Coefficients) -> NDArray[np.intp]:
    """Segments by decreasing absolute coefficient; the lower number first where two are equal."""
    return np.argsort(-np.abs(coefficients), kind="stable")


def chosen(
    coefficients: Coefficients,
    *,
    positive_only: bool = True,
    negative_only: bool = False,
    num_features: int = 5,
    min_weight: float = 0.0,
) -> NDArray[np.intp]:
    """The segments that are shown, the strongest first, `num_features` at most.

    One sign only: the strongest beyond min_weight of that sign. Both signs: the strongest of all, and of these the ones
    that reach min_weight. ValueError where both signs are asked for alone.
    """
    if positive_only and negative_only:
        raise ValueError("positive_only and negative_only cannot both be true")
    order = ranked(coefficients)
    weights = coefficients[order]
    if positive_only:
        return order[(weights > 0) & (weights > min_weight)][:num_features]
    if negative_only:
        return order[(weights < 0) & (-weights > min_weight)][:num_features]
    strongest = order[:num_features]
    return strongest[~(np.abs(coefficients[strongest]) < min_weight)]


def signs(segments: Segments, coefficients: Coefficients, which: NDArray[np.intp]) -> NDArray[np.int8]:
    """(H, W): 1 in the segments `which` that speak for the class, -1 in those that speak against it, 0 elsewhere."""
    sign = np.zeros(len(coefficients), np.int8)
    sign[which] = np.where(coefficients[which] < 0, -1, 1)
    return sign[segments]


def image_and_mask(
    image: NDArray[Number],
    segments: Segments,
    coefficients: Coefficients,
    *,
    positive_only: bool = True,
    negative_only: bool = False,
    hide_rest: bool = False,
    num_features: int = 5,
    min_weight: float = 0.0,
) -> tuple[NDArray[Number], NDArray[np.int8]]:
    """The picture with its chosen segments, (H, W, 3), and their mask (H, W).

    image: (H, W, 3), or (H, W) where it is gray. segments: (H, W), coefficients: (segments,) for one class.
    hide_rest: all else is black.
    One sign only: the mask is 1 in every chosen segment. Both signs: it is 1 or -1 by the sign, and the chosen segments
    have the green (for) or red (against) channel at the picture's largest value.
    """
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    which = chosen(
        coefficients,
        positive_only=positive_only,
        negative_only=negative_only,
        num_features=num_features,
        min_weight=min_weight,
    )
    mask = signs(segments, coefficients, which)
    view = np.where((mask != 0)[..., None], image, np.zeros_like(image)) if hide_rest else image.copy()
    if positive_only or negative_only:
        return view, np.abs(mask)
    view[mask > 0, 1] = view[mask < 0, 0] = image.max()
    return view, mask


def outline(mask: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """(H, W): the pixels of what is chosen (mask != 0) that touch a pixel of another value, above, below or beside."""
    edge = np.zeros(mask.shape, bool)
    for axis in (0, 1):
        ahead, behind = np.moveaxis(mask, axis, 0)[1:], np.moveaxis(mask, axis, 0)[:-1]
        differs = ahead != behind
        view = np.moveaxis(edge, axis, 0)
        view[1:] |= differs
        view[:-1] |= differs
    found: NDArray[np.bool_] = edge & (mask != 0)
    return found
