"""Methods of many steps in one call of captum's: they tell how far they are, and end when their generator is closed."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from fer_tui.classifier import open_classifier
from fer_tui.contract import Heatmap, Parameters, Place, Result, Subject
from fer_tui.testing import Toy, ToyBreak
from fer_tui_captum.gradient import Gradient
from fer_tui_captum.layer import Layer
from fer_tui_captum.maps import CaptumExplainer
from fer_tui_captum.neuron import Neuron

METHODS: dict[str, tuple[type[CaptumExplainer], Parameters]] = {
    "input": (Gradient, Gradient.Parameters(variant="integrated-gradients", steps=80)),
    "layer": (Layer, Layer.Parameters(variant="conductance", steps=80)),
    "neuron": (Neuron, Neuron.Parameters(variant="conductance", steps=80)),
}


def run(method: str, network: Toy) -> Iterator[Result]:
    classifier = open_classifier(network, size=(24, 20), classes=("a", "b", "c"), device="cpu")
    image = np.random.default_rng(3).integers(0, 256, (24, 20), dtype=np.uint8)
    explainer, parameters = METHODS[method]
    return explainer().explain(Subject(classifier, Place(4, 1, "conv2", 2, 0), image), parameters)


def hooks(network: Toy) -> int:
    return sum(len(each._forward_hooks) + len(each._forward_pre_hooks) for each in network.modules())


@pytest.mark.parametrize("method", METHODS)
def test_a_run_goes_pass_by_pass_and_leaves_the_network_alone_between_them(method: str) -> None:
    network, threads = Toy(), threading.active_count()
    shares, passes = [], []
    with torch.inference_mode():  # whatever the caller's mode is
        for result in run(method, network):
            assert isinstance(result.explanation, Heatmap) and hooks(network) == 0
            shares.append(result.progress)
            passes.append(network.passes.count)
    assert shares == sorted(shares) and shares[-1] == 1 and len(shares) >= 6
    assert sum(later > now for now, later in itertools.pairwise(passes)) >= 5
    assert threading.active_count() == threads


@pytest.mark.parametrize("method", METHODS)
def test_closing_ends_it_before_the_next_pass(method: str) -> None:
    network, threads = Toy(), threading.active_count()
    results = run(method, network)
    for _ in range(3):
        next(results)
    passes = network.passes.count
    results.close()  # type: ignore[attr-defined]
    assert network.passes.count == passes and threading.active_count() == threads and hooks(network) == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_network_that_breaks_in_the_middle_is_told_as_it_is(method: str) -> None:
    network, threads = Toy(), threading.active_count()
    results = run(method, network)
    for _ in range(3):
        next(results)
    network.passes.limit = network.passes.count + 1
    with pytest.raises(ToyBreak, match="the network broke"):
        list(results)
    assert threading.active_count() == threads and hooks(network) == 0
