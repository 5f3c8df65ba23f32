"""The promises of the contract, tried on every explainer and every variant."""

from __future__ import annotations

from typing import ClassVar

from fer_tui.testing import Conformance
from fer_tui_captum.deeplift import DeepLift
from fer_tui_captum.gradient import Gradient
from fer_tui_captum.layer import Layer
from fer_tui_captum.lrp import Lrp
from fer_tui_captum.neuron import Neuron
from fer_tui_captum.perturbation import Perturbation


class TestGradient(Conformance):
    explainer = Gradient
    settings: ClassVar = {
        "smooth": {"noise": "smoothgrad", "samples": 12},
        "integrated": {"variant": "integrated-gradients", "steps": 16},
        "shap": {"variant": "gradient-shap", "samples": 12, "references": 4},
    }


class TestDeepLift(Conformance):
    explainer = DeepLift
    settings: ClassVar = {"one": {"baseline": "black"}, "data": {"variant": "deeplift-shap", "references": 18}}


class TestLrp(Conformance):
    explainer = Lrp


class TestPerturbation(Conformance):
    explainer = Perturbation
    settings: ClassVar = {
        "occlusion": {"window": 8, "stride": 8},
        "shapley": {"variant": "shapley-sampling", "count": 9, "samples": 3},
        "kernel": {"variant": "kernel-shap", "count": 9, "samples": 80},
        "permutation": {"variant": "feature-permutation", "count": 9, "samples": 3},
    }
    excused: ClassVar = {
        "it points at the evidence (permutation)": "other pictures are as rough there: nothing is lost"
    }


class TestLayer(Conformance):
    explainer = Layer
    settings: ClassVar = {
        "conductance": {"steps": 16},
        "deeplift": {"variant": "deeplift"},
        "ablation": {"variant": "feature-ablation"},
    }


class TestNeuron(Conformance):
    explainer = Neuron
    settings: ClassVar = {
        "gradient": {},
        "data": {"variant": "deeplift-shap", "references": 6, "unit": "mean"},
    }
