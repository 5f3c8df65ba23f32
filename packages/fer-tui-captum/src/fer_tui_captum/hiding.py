"""captum's perturbation methods in slices, so that a map grows and can be given up.

Each slice is a run of captum's own; put together they are what one run over everything gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fer_tui.contract import Classifier, Subject

from .aside import Aside
from .baselines import references


@dataclass(frozen=True, eq=False, slots=True)
class Hiding:
    """What is hidden in x (1, C, H, W), by base of that shape; whose score is watched; how many pictures a pass."""

    classifier: Classifier
    x: Tensor
    base: Tensor
    target: int
    aside: Aside
    size: int


def occluded(hiding: Hiding, window: int, stride: int) -> Iterator[tuple[Tensor, float]]:
    """captum's Occlusion, a row of windows at a time: y(x) - y(hidden), the mean over a pixel's windows (H, W)."""
    from captum import attr

    x, base = hiding.x, hiding.base
    channels, height, width = x.shape[1:]
    tops = range(0, -(-(height - window) // stride) * stride + 1, stride)
    across = -(-(width - window) // stride) + 1
    columns = torch.zeros(width)
    for number in range(across):
        columns[number * stride : number * stride + window] += 1
    total, cover = torch.zeros(height, width), torch.zeros(height, width)
    for done, top in enumerate(tops, 1):
        bottom = min(top + window, height)

        def scores(band: Tensor, top: int = top, bottom: int = bottom) -> Tensor:
            whole = x.expand(len(band), -1, -1, -1).clone()
            whole[:, :, top:bottom] = band
            return hiding.classifier.scores(whole)

        with hiding.aside():
            found = attr.Occlusion(scores).attribute(
                x[:, :, top:bottom],
                (channels, bottom - top, window),
                (channels, bottom - top, stride),
                base[:, :, top:bottom],
                hiding.target,
                perturbations_per_eval=hiding.size,
            )
        total[top:bottom] += found[0, 0].float().cpu() * columns  # captum gave the mean over the row's windows
        cover[top:bottom] += columns
        yield total / cover.clamp(min=1), done / len(tops)


def ablated(hiding: Hiding, parts: Tensor) -> Iterator[tuple[Tensor, float]]:
    """captum's FeatureAblation, some segments at a time: y(x) - y(x without a segment), for each of them (S,)."""
    from captum import attr

    method = attr.FeatureAblation(hiding.classifier.scores)

    def hide(mask: Tensor, size: int) -> Tensor:
        with hiding.aside():
            found: Tensor = method.attribute(
                hiding.x, hiding.base, hiding.target, None, mask, perturbations_per_eval=size
            )
        return found

    return sliced(hiding.classifier, parts, hide)


def sliced(
    classifier: Classifier, parts: Tensor, hide: Callable[[Tensor, int], Tensor]
) -> Iterator[tuple[Tensor, float]]:
    """What hiding each part costs (S,), some parts after the others, and how much is done.

    hide: captum's map (1, C, h, w) for a mask (1, 1, h, w) of parts to hide, so many a pass.
    """
    count = int(parts.max()) + 1
    worth = torch.zeros(count)

    def run(start: int, stop: int) -> Tensor:
        here = (parts >= start) & (parts < stop)
        mask = torch.where(here, parts - start + 1, 0)  # all others are one more part, which is not looked at
        found = hide(mask[None, None].to(classifier.device), 1 if stop - start == 1 else stop - start + 1)
        return _worth(found, parts)[start:stop]

    for start, stop, found in classifier.in_batches(count, run, "captum ablation"):
        worth[start:stop] = found
        yield worth.clone(), stop / count


def drawn(hiding: Hiding, parts: Tensor, samples: int) -> Iterator[tuple[Tensor, float]]:
    """captum's ShapleyValueSampling, one order of the segments at a time: the mean gain of each segment (S,)."""
    from captum import attr

    method = attr.ShapleyValueSampling(hiding.classifier.scores)
    total, mask = torch.zeros(int(parts.max()) + 1), _mask(hiding, parts)
    for done in range(1, samples + 1):
        with hiding.aside():
            found = method.attribute(
                hiding.x, hiding.base, hiding.target, None, mask, n_samples=1, perturbations_per_eval=hiding.size
            )
        total += _worth(found, parts)
        yield total / done, done / samples


def permuted(
    hiding: Hiding, parts: Tensor, subject: Subject, samples: int, seed: int
) -> Iterator[tuple[Tensor, float]]:
    """captum's FeaturePermutation of the picture and one other of the data at a time: the mean loss (S,)."""
    from captum import attr

    pictures = references(subject, samples, seed)
    method = attr.FeaturePermutation(hiding.classifier.scores)
    total, mask = torch.zeros(int(parts.max()) + 1), _mask(hiding, parts)
    for done, other in enumerate(pictures, 1):
        pair = torch.cat([hiding.x, other[None]])
        with hiding.aside():
            found = method.attribute(pair, hiding.target, None, mask, perturbations_per_eval=max(1, hiding.size // 2))
        total += _worth(found[:1], parts)
        yield total / done, done / len(pictures)


def fitted(
    hiding: Hiding, parts: Tensor, samples: int, variant: str, alpha: float, seed: int
) -> Iterator[tuple[Tensor, float]]:
    """captum's KernelShap or Lime, fitted to twice as many samples each time: the weight of each segment (S,).

    The same seed draws the same samples first, so a longer run begins with the scores of the one before.
    """
    from captum import attr
    from captum._utils.models.linear_model import SkLearnLasso

    recall = _Recall(hiding.classifier)
    mask = _mask(hiding, parts)
    counts = [samples]
    while counts[0] > 4 * hiding.size:
        counts.insert(0, -(-counts[0] // (2 * hiding.size)) * hiding.size)  # whole passes, so that they come again
    for count in counts:
        recall.rewind()
        method: Any = attr.KernelShap(recall)
        if variant == "lime":
            method = attr.Lime(recall, SkLearnLasso(alpha=alpha))
        with Aside(seed)():
            found = method.attribute(
                hiding.x,
                hiding.base,
                hiding.target,
                None,
                mask,
                n_samples=count,
                perturbations_per_eval=hiding.size,
                return_input_shape=False,
            )
        yield found.flatten().float().cpu(), count / samples


class _Recall:
    """A classifier's scores, pass by pass; after `rewind` those that were made already come from memory."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._made: list[Tensor] = []
        self._next = 0

    def rewind(self) -> None:
        self._next = 0

    def __call__(self, x: Tensor) -> Tensor:
        if self._next == len(self._made) or len(self._made[self._next]) != len(x):
            del self._made[self._next :]
            with torch.no_grad():
                self._made.append(self._classifier.scores(x.clone()))
        self._next += 1
        return self._made[self._next - 1]


def _mask(hiding: Hiding, parts: Tensor) -> Tensor:
    return parts[None, None].to(hiding.x.device)


def _worth(found: Tensor, parts: Tensor) -> Tensor:
    """The number of each segment (S,) from captum's map (1, C, H, W), whose channels are hidden together."""
    first = torch.unique(parts.flatten(), return_inverse=True)[1]
    where = torch.zeros(int(parts.max()) + 1, dtype=torch.long)
    where[first] = torch.arange(first.numel())
    return found[0, 0].float().cpu().flatten()[where]
