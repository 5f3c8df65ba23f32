"""The same maps by other libraries, on the user's own network: how far apart are the numbers."""

from __future__ import annotations

import contextlib
import importlib.util
import io
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

    Image = NDArray[np.uint8]
    Values = NDArray[np.float32] | NDArray[np.float64]

TOLERANCE = 1e-4  # of a map's largest value


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One method beside a peer's: `made` gives the peer's numbers for the same input as our heat map.

    array: of extras: what is compared; the map itself where empty. most: maps that are compared at most.
    """

    method: str
    parameters: Mapping[str, str]
    peer: str
    made: Callable[[TorchClassifier, Image, Heatmap], Values]
    array: str = ""
    most: int = 1000


def check_peers(peers: Sequence[str]) -> None:
    """InputError where one of them is none that can be compared with."""
    for peer in peers:
        if peer not in _COMPARISONS:
            fault = f"there is no such peer{nearest(peer, _COMPARISONS)}"
            raise InputError(f"--against {peer}", fault, f"known: {', '.join(_COMPARISONS)}")


def compare(engine: Engine, peers: Sequence[str], per_class: int = 1) -> Iterator[Finding]:
    """A finding for each method that one of `peers` has too: the largest difference of their maps.

    peers: of captum, torchcam, lime. InputError for another name, or where no dataset is open. A peer that is not
    installed is a finding that holds.
    """
    if engine.dataset is None:
        raise InputError("dataset", "there are no samples to compare on", "name one with --data")
    check_peers(peers)
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
        for row in rows[: comparison.most]:
            *_, last = engine.explain(comparison.method, Place(image=row), comparison.parameters, fresh=True)
            ours, classifier = last.explanation, engine.classifier
            assert isinstance(ours, Heatmap) and engine.dataset is not None
            with classifier.untouched():
                theirs = comparison.made(classifier, engine.dataset[row].image, ours)
            values = ours.extras[comparison.array] if comparison.array else ours.values
            values = values[_target(ours)] if comparison.array == "coefficients" else values
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


def _captum_saliency(classifier: TorchClassifier, image: Image, ours: Heatmap) -> Values:
    from captum.attr import Saliency

    x, target = classifier.inputs([image]), _target(ours)
    return _array(Saliency(classifier.scores).attribute(x.requires_grad_(), target=target)[0].sum(0))


def _captum_grad_cam(classifier: TorchClassifier, image: Image, ours: Heatmap) -> Values:
    from captum.attr import LayerGradCam

    peer = LayerGradCam(classifier.scores, classifier.module.get_submodule(ours.meta["layer"]))
    return _array(peer.attribute(classifier.inputs([image]), target=_target(ours))[0, 0])


def _torchcam_cam(classifier: TorchClassifier, image: Image, ours: Heatmap) -> Values:
    from torchcam.methods import CAM

    last = [name for name, each in classifier.module.named_modules() if isinstance(each, torch.nn.Linear)][-1]
    with torch.no_grad(), CAM(classifier.module, target_layer=ours.meta["layer"], fc_layer=last) as peer:
        scores = classifier.module(classifier.inputs([image]))
        return _array(peer(_target(ours), scores, normalized=False)[0][0])


def _lime(classifier: TorchClassifier, image: Image, ours: Heatmap) -> Values:
    """The package's coefficients of our segments, float64 (segments,), with the pictures as the network takes them."""
    from lime import lime_image

    def probabilities(pictures: NDArray[np.float64]) -> NDArray[np.float32]:
        """Of float64 (N, H, W, 3) in 0..1; a network whose preparation is no (x - mean) / std is fed in 8 bits."""
        given = classifier.preprocessing
        planes = pictures[..., :1] if given.shape[0] == 1 else pictures
        if given.transform is None and not given.equalise:
            moved = torch.from_numpy(planes).permute(0, 3, 1, 2)
            mean, std = (torch.tensor(each).view(1, -1, 1, 1) for each in (given.mean, given.std))
            x = torch.empty(moved.shape).copy_(moved).sub_(mean).div_(std).to(classifier.device)  # contiguous
        else:
            eight = np.rint(planes * 255).astype(np.uint8)
            x = classifier.inputs(list(eight[..., 0] if given.shape[0] == 1 else eight))
        with torch.no_grad():
            scores = classifier.scores(x)
        ends_in_softmax = bool((scores >= 0).all() and ((scores.sum(1) - 1).abs() < 1e-3).all())
        likely: NDArray[np.float32] = (scores if ends_in_softmax else scores.softmax(1)).cpu().numpy()
        return likely

    parameters, target = ours.meta["parameters"], _target(ours)
    shown = ours.image / 255
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
        explained = lime_image.LimeImageExplainer(random_state=parameters["seed"]).explain_instance(
            np.repeat(shown[..., None], 3, 2) if shown.ndim == 2 else shown,
            probabilities,
            labels=(target,),
            top_labels=None,
            num_features=100000,
            num_samples=parameters["samples"],
            random_seed=parameters["seed"],
            segmentation_fn=lambda _: ours.extras["segments"],
        )
    weights = dict(explained.local_exp[target])
    found: Values = np.array([weights[segment] for segment in range(len(weights))])
    return found


def _target(ours: Heatmap) -> int:
    return int(ours.meta["place"]["target"])


def _array(tensor: Any) -> Values:
    values: Values = tensor.detach().float().cpu().numpy()
    return values


_COMPARISONS: dict[str, tuple[_Comparison, ...]] = {
    "captum": (
        _Comparison("saliency", {}, "captum's Saliency", _captum_saliency),
        _Comparison("cam", {"variant": "grad"}, "captum's LayerGradCam", _captum_grad_cam, "map"),
    ),
    "lime": (_Comparison("lime", {"exact": "true"}, "the lime package", _lime, "coefficients", most=2),),
    "torchcam": (_Comparison("cam", {"variant": "cam"}, "torchcam's CAM", _torchcam_cam, "map"),),
}
