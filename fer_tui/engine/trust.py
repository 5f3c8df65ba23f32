"""How far a heat map can be trusted: what its pixels do to the score, whether it hangs on weights and seed."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
from collections.abc import Generator, Iterator, MutableMapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

from fer_tui.contract import Classifier, Heatmap, InputError, Subject
from fer_tui.regions.statistics import ranks

from .kept import Keeper

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from .tasks import Task

    Values = NDArray[np.float32]

T = TypeVar("T")
AtRandom = MutableMapping[tuple[object, ...], tuple[float, float]]  # areas of random orders, by all they hang on

_STEPS = 32  # steps from no pixel to all of them
_ORDERS = 5  # random orders that the curves are compared with
_BATCH = 16


@dataclass(frozen=True, slots=True)
class Curves:
    """Areas under the target's probability, 0 to 1, as pixels go from the strongest on (Petsiuk et al. 2018).

    deletion: from the picture to the baseline: low is good. insertion: from the baseline to the picture: high is good.
    The random ones are means over random orders of the same pixels.
    """

    deletion: float
    insertion: float
    random_deletion: float
    random_insertion: float


@dataclass(frozen=True, slots=True)
class Trust:
    """curves: see Curves. randomised: (layer, rank correlation with the map) as ever more layers are made random, from
    the output on (Adebayo et al. 2018): near 1 means that the map does not hang on what was learned. stability: rank
    correlation with the map under another seed. A correlation is None where a map is constant. completeness: what the
    map's values miss of the score's difference to the baseline, as a share of it; None where the method promises none.
    """

    curves: Curves
    randomised: tuple[tuple[str, float | None], ...]
    stability: float | None
    completeness: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "randomised": [list(each) for each in self.randomised]}


def trust(
    task: Task, seed: int = 0, *, ends: bool = False, heatmap: Heatmap | None = None, known: AtRandom | None = None
) -> Iterator[tuple[float, Trust | None]]:
    """The share that is done, with None, until the last one brings the result. InputError: it makes no heat map.

    ends: of the cascade of random layers only the first step (the last layer) and the last one (all layers). heatmap:
    the task's, where it was made already. known: what was found of random orders; it grows.
    """
    subject = task.subject
    if heatmap is None:
        heatmap = yield from _waiting(0.0, _map(task, subject))
    values = heatmap.values
    made = yield from _waiting(0.1, curves_of(subject, values, seed, known))
    again = yield from _waiting(0.2, _map(_seeded(task), subject))
    stability = rank_correlation(values, again.values)
    randomised: list[tuple[str, float | None]] = []
    module = subject.classifier.module
    layers = len(list(_layers(module)))
    for done, (name, network) in enumerate(_randomised(module, seed)):
        if ends and 0 < done < layers - 1:
            continue
        # what is fitted to a random network serves every image
        kept = subject.kept.under(f"random from {name} on, seed {seed}") if isinstance(subject.kept, Keeper) else None
        other = dataclasses.replace(subject, classifier=subject.classifier.around(network), kept=kept)
        found = yield from _waiting(0.3 + 0.7 * done / layers, _map(task, other))
        randomised.append((name, rank_correlation(values, found.values)))
    yield 1.0, Trust(made, tuple(randomised), stability, _completeness(heatmap))


def _waiting(share: float, work: Generator[None, None, T]) -> Generator[tuple[float, None], None, T]:
    """Work that is only a part: wherever it can be stopped, so can the whole."""
    with closing(work):
        while True:
            try:
                next(work)
            except StopIteration as end:
                done: T = end.value
                yield share, None
                return done
            yield share, None


def _completeness(heatmap: Heatmap) -> float | None:
    """From what the explainer tells in meta: "gap", the values' sum minus the difference of "score" and baseline."""
    if not {"gap", "score", "baseline_score"} <= heatmap.meta.keys():
        return None
    gap, score, baseline = (float(heatmap.meta[name]) for name in ("gap", "score", "baseline_score"))
    return abs(gap) / max(abs(score - baseline), 1e-12)


def curves(subject: Subject, strength: Values, seed: int = 0) -> Curves:
    """See `curves_of`, in one go."""
    work = curves_of(subject, strength, seed)
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: Curves = end.value
            return found


def curves_of(
    subject: Subject, strength: Values, seed: int = 0, known: AtRandom | None = None
) -> Generator[None, None, Curves]:
    """The curves of one map: float32 (H, W), the larger the earlier (so that what speaks against the target is last).

    The baseline is the blurred picture. known: areas of random orders, which are the same for every map of an image's
    class; it grows.
    """
    image, target = subject.image, subject.place.target
    if target is None and subject.label >= 0:  # of a loss, or where the class makes no difference
        target = subject.label
    if image is None or target is None:
        raise InputError("image", "insertion and deletion need an image and a class")
    classifier = subject.classifier.folded()[0]
    x = classifier.inputs([image])[0]
    baseline = _blurred(x)
    counts = torch.linspace(0, strength.size, _STEPS + 1).round().long().tolist()

    def areas(order: NDArray[np.intp]) -> tuple[float, float]:
        """Under the deletion and the insertion in this order."""
        rank = np.empty(strength.size, np.int64)
        rank[order] = np.arange(strength.size)
        ranks = torch.from_numpy(rank.reshape(strength.shape)).to(x.device)
        gone = torch.stack([ranks < count for count in counts])[:, None]  # (steps, 1, H, W)
        deleted = _probabilities(classifier, torch.where(gone, baseline, x), target)
        inserted = _probabilities(classifier, torch.where(gone, x, baseline), target)
        return _area(deleted), _area(inserted)

    deletion, insertion = areas(np.argsort(-strength, axis=None, kind="stable"))
    yield
    key = subject.classifier.digest, hashlib.blake2b(image.tobytes()).digest(), target, seed, strength.shape
    known = known if known is not None else {}
    if key not in known:
        rng, others = np.random.default_rng(seed), []
        for _ in range(_ORDERS):
            others.append(areas(rng.permutation(strength.size)))
            yield
        random = np.mean(others, 0)
        known[key] = float(random[0]), float(random[1])
    return Curves(deletion, insertion, *known[key])


def _area(curve: NDArray[np.float64]) -> float:
    """By trapezia, over a unit of length."""
    return float(((curve[1:] + curve[:-1]) / 2).mean())


def rank_correlation(a: Values, b: Values) -> float | None:
    """Spearman's rank correlation of the absolute values, ties by their mean rank; None where one is constant."""
    ranked = [ranks(np.abs(each).ravel()) for each in (a, b)]
    if any(np.ptp(each) == 0 for each in ranked):
        return None
    return float(np.corrcoef(ranked[0], ranked[1])[0, 1])


def _map(task: Task, subject: Subject) -> Generator[None, None, Heatmap]:
    last = None
    with subject.classifier.untouched():
        for result in task.explainer().explain(subject, task.parameters):
            if result.place == subject.place:
                last = result.explanation
            yield
    if not isinstance(last, Heatmap):
        raise InputError(f"method {task.description.name}", "makes no heat map", "choose one that does")
    return last


def _seeded(task: Task) -> Task:
    return dataclasses.replace(task, values={**task.values, "seed": (int(task.values["seed"]) + 1) % 2**32})


def _probabilities(classifier: Classifier, inputs: Tensor, target: int) -> NDArray[np.float64]:
    with torch.no_grad():
        parts = [classifier.scores(part).double().softmax(1)[:, target] for part in torch.split(inputs, _BATCH)]
    found: NDArray[np.float64] = torch.cat(parts).cpu().numpy()
    return found


def _blurred(x: Tensor) -> Tensor:
    """`x` (C, H, W) without its details: a Gaussian of a twelfth of the smaller side."""
    size = min(x.shape[1:]) / 12
    radius = max(1, round(3 * size))
    offsets = torch.arange(-radius, radius + 1, dtype=x.dtype, device=x.device)
    kernel = torch.exp(-(offsets**2) / (2 * size**2))
    kernel = (kernel / kernel.sum()).expand(x.shape[0], 1, -1)
    padded = torch.nn.functional.pad(x[None], (radius,) * 4, mode="replicate")
    rows = torch.nn.functional.conv2d(padded, kernel[:, :, None, :], groups=x.shape[0])
    return torch.nn.functional.conv2d(rows, kernel[:, :, :, None], groups=x.shape[0])[0]


def _layers(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The modules with parameters of their own, from the output on."""
    own = [(name, each) for name, each in network.named_modules() if any(True for _ in each.parameters(recurse=False))]
    yield from reversed(own)


def _randomised(network: nn.Module, seed: int) -> Iterator[tuple[str, nn.Module]]:
    """Copies of the network with one more layer made random each: weights drawn anew, with their mean and deviation."""
    generator = torch.Generator().manual_seed(seed)
    current = copy.deepcopy(network)
    for name, layer in list(_layers(current)):
        with torch.no_grad():
            for parameter in layer.parameters(recurse=False):
                if not parameter.is_floating_point():
                    continue
                mean, deviation = parameter.float().mean(), parameter.float().std(correction=0)
                parameter.copy_(torch.randn(parameter.shape, generator=generator).to(parameter) * deviation + mean)
        yield name, current
