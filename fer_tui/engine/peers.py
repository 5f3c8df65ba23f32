"""The same maps by other libraries, on the user's own network: how far apart are the numbers."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from fer_tui.contract import FerTuiError, Heatmap, InputError, Place, nearest

from .check import Finding, sample_rows
from .engine import Engine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fer_tui.classifier import TorchClassifier

    Values = NDArray[np.float32]

TOLERANCE = 1e-4  # of a map's largest value


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One method beside a peer's: `made` gives the peer's map of an input (1, C, H, W), for a target and a layer."""

    method: str
    parameters: Mapping[str, str]
    peer: str
    made: Callable[[TorchClassifier, torch.Tensor, int, str], Values]
    array: str = ""  # of extras: what is compared; the map itself where empty


def compare(engine: Engine, peers: Sequence[str], per_class: int = 1) -> Iterator[Finding]:
    """A finding for each method that one of `peers` (captum, torchcam) has too: the largest difference of their maps.

    InputError for another name, or where no dataset is open. A peer that is not installed is a finding that holds.
    """
    if engine.dataset is None:
        raise InputError("dataset", "there are no samples to compare on", "name one with --data")
    for peer in peers:
        if peer not in _COMPARISONS:
            fault = f"there is no such peer{nearest(peer, _COMPARISONS)}"
            raise InputError(f"--against {peer}", fault, f"known: {', '.join(_COMPARISONS)}")
    rows = sample_rows(engine.dataset, len(engine.classifier.classes), per_class)
    for peer in peers:
        if importlib.util.find_spec(peer) is None:
            yield Finding(peer, "is installed", True, "no: nothing is compared with it")
            continue
        for comparison in _COMPARISONS[peer]:
            yield _compared(engine, comparison, rows)


def _compared(engine: Engine, comparison: _Comparison, rows: Sequence[int]) -> Finding:
    gaps: list[float] = []
    name = f"as {comparison.peer}"
    try:
        for row in rows:
            *_, last = engine.explain(comparison.method, Place(image=row), comparison.parameters, fresh=True)
            ours, place = last.explanation, last.place
            assert isinstance(ours, Heatmap) and engine.dataset is not None and place.target is not None
            classifier = engine.classifier
            with classifier.untouched():
                x = classifier.inputs([engine.dataset[row].image])
                theirs = comparison.made(classifier, x, place.target, str(ours.meta.get("layer", "")))
            values = ours.extras[comparison.array] if comparison.array else ours.values
            gaps.append(float(np.abs(values - theirs).max() / max(float(np.abs(theirs).max()), 1e-12)))
    except FerTuiError as error:
        return Finding(comparison.method, name, True, f"cannot be compared: {error}")
    except Exception as error:  # the peer's own: it may not take this network at all
        return Finding(
            comparison.method, name, True, f"{comparison.peer} fails on this network: {type(error).__name__}"
        )
    told = f"largest difference {max(gaps):.1e} of the map's largest value, {len(gaps)} maps"
    return Finding(comparison.method, name, max(gaps) <= TOLERANCE, told)


# ---- the peers -------------------------------------------------------------------------------------------------------


def _captum_saliency(classifier: TorchClassifier, x: torch.Tensor, target: int, layer: str) -> Values:
    from captum.attr import Saliency

    return _array(Saliency(classifier.scores).attribute(x.requires_grad_(), target=target)[0].sum(0))


def _captum_grad_cam(classifier: TorchClassifier, x: torch.Tensor, target: int, layer: str) -> Values:
    from captum.attr import LayerGradCam

    peer = LayerGradCam(classifier.scores, classifier.module.get_submodule(layer))
    return _array(peer.attribute(x, target=target)[0, 0])


def _torchcam_cam(classifier: TorchClassifier, x: torch.Tensor, target: int, layer: str) -> Values:
    from torchcam.methods import CAM

    last = [name for name, each in classifier.module.named_modules() if isinstance(each, torch.nn.Linear)][-1]
    with torch.no_grad(), CAM(classifier.module, target_layer=layer, fc_layer=last) as peer:
        return _array(peer(target, classifier.module(x), normalized=False)[0][0])


def _array(tensor: Any) -> Values:
    values: Values = tensor.detach().float().cpu().numpy()
    return values


_COMPARISONS: dict[str, tuple[_Comparison, ...]] = {
    "captum": (
        _Comparison("saliency", {}, "captum's Saliency", _captum_saliency),
        _Comparison("cam", {"variant": "grad"}, "captum's LayerGradCam", _captum_grad_cam, "map"),
    ),
    "torchcam": (_Comparison("cam", {"variant": "cam"}, "torchcam's CAM", _torchcam_cam, "map"),),
}
