"""From captum's tensors to heat maps; and what all these explainers share."""

from __future__ import annotations

import itertools
import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fer_tui.contract import Explainer, Heatmap, Parameters, Result, Subject, Table

P = TypeVar("P", bound=Parameters)
_OPEN = 0.05  # of the difference of two scores: from which gap on their map is said not to add up


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class Attribution:
    """What was found so far: (C, H, W), or (1, H, W) where channels are taken together.

    progress: 0 to 1; below 1 a better one follows. meta, extras, notes and tables are the heat map's own.
    """

    values: Tensor
    signed: bool = True
    progress: float = 1.0
    notes: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    extras: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)


class CaptumExplainer(Explainer[P]):
    """An explainer of one image by captum: what it finds as heat maps, alone and one after the other."""

    kind = "heatmap"
    version = "1"

    @abstractmethod
    def prepared(self, subject: Subject, parameters: P) -> Any:
        """What many subjects of one network and layer share, such as a copy of the network."""

    @abstractmethod
    def attributions(self, subject: Subject, parameters: P, prepared: Any) -> Iterator[Attribution]:
        """Better and better attributions of one subject."""

    def explain(self, subject: Subject, parameters: P) -> Iterator[Result]:
        """The map of the place, early ones before it where the method allows."""
        yield from self._results(subject, parameters, self.prepared(subject, parameters))

    def explain_many(self, subjects: Sequence[Subject], parameters: P) -> Iterator[Result]:
        """The maps of many subjects, one after the other: captum's backward rules mix what runs in one pass."""
        done = 0
        for _, group in itertools.groupby(subjects, key=lambda each: (id(each.classifier), each.place.layer)):
            same = list(group)
            prepared = self.prepared(same[0], parameters)
            for subject in same:
                with closing(self._results(subject, parameters, prepared)) as results:
                    for result in results:
                        share = (done + (result.progress or 0.0)) / len(subjects)
                        yield Result(result.place, result.explanation, result.final, share)
                done += 1

    def _results(self, subject: Subject, parameters: P, prepared: Any) -> Any:
        for each in self.attributions(subject, parameters, prepared):
            yield Result(subject.place, heatmap(subject, each), each.progress >= 1, min(each.progress, 1.0))


def heatmap(subject: Subject, found: Attribution) -> Heatmap:
    """The sum over the channels as a map; extras["channels"] float32 (C, H, W) has them one by one."""
    channels: NDArray[np.float32] = found.values.detach().float().cpu().numpy()
    meta, extras, notes = dict(found.meta), dict(found.extras), list(found.notes)
    if len(channels) > 1:
        meta["channels"] = "sum" if found.signed else "sum of absolute values"
        extras["channels"] = channels
    if found.progress >= 1:
        broken = int((~np.isfinite(channels)).sum())
        if broken:
            notes.append(f"{broken} of {channels.size} values are not finite")
        elif not channels.any():
            notes.append("the map is zero everywhere: nothing that this method looks at moves what is explained")
    return Heatmap(
        values=channels.sum(0),
        image=subject.classifier.shown(image_of(subject)),
        signed=found.signed,
        meta=meta,
        extras=extras,
        notes=tuple(notes),
        tables=found.tables,
    )


def adds_up(total: float, difference: float, why: str) -> tuple[dict[str, float], tuple[str, ...]]:
    """meta and notes of a method whose map should sum up to a difference of scores; why: of a gap, what makes it."""
    gap = total - difference
    meta = {"sum": total, "difference": difference}
    if math.isfinite(gap) and abs(gap) <= _OPEN * max(abs(difference), 1e-6):
        return meta, ()
    return meta, (f"the map sums up to {total:.3g}, the score's difference is {difference:.3g}: {why}",)


def image_of(subject: Subject) -> NDArray[np.uint8]:
    """The subject's image."""
    if subject.image is None:
        raise ValueError("an image is explained, and the subject has none")
    return subject.image


def target_of(subject: Subject) -> int:
    """The subject's target."""
    if subject.place.target is None:
        raise ValueError("a class is explained, and the subject's place has none")
    return subject.place.target


def input_of(subject: Subject) -> Tensor:
    """The image as the network gets it: (1, C, H, W), a tensor of our own."""
    with torch.inference_mode(False):
        return subject.classifier.inputs([image_of(subject)]).detach().clone()


def difference(subject: Subject, x: Tensor, base: Tensor) -> float:
    """The mean over base (n, C, H, W) of y(x) - y(base), the target's scores."""
    target = target_of(subject)
    with torch.no_grad():
        whole = subject.classifier.scores(x.clone())[0, target]
        empty = torch.cat([subject.classifier.scores(each[None].clone())[:, target] for each in base])
    return float(whole - empty.mean())
