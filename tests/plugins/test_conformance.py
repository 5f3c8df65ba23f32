"""Our own explainers keep the promises that others are asked for."""

from __future__ import annotations

from typing import ClassVar

from fer_tui.testing import Conformance
from fer_tui_plugins.cam import Cam
from fer_tui_plugins.confusion import Confusion
from fer_tui_plugins.filter_ascent import FilterAscent
from fer_tui_plugins.lime import Lime
from fer_tui_plugins.saliency import Saliency


class TestSaliency(Conformance):
    explainer = Saliency
    settings: ClassVar = {
        "gradient": {},
        "input-x-gradient": {"variant": "input-x-gradient"},
        "integrated": {"variant": "integrated", "steps": 8},
        "smoothgrad": {"variant": "smoothgrad", "samples": 6},
        "guided": {"variant": "guided"},
        "occlusion": {"variant": "occlusion", "window": 8, "stride": 8},
    }


class TestCam(Conformance):
    explainer = Cam
    settings: ClassVar = {
        name: {"variant": name} for name in ("cam", "gap-fit", "grad", "grad++", "layer", "eigen", "score", "ablation")
    }


class TestLime(Conformance):
    explainer = Lime
    settings: ClassVar = {"fast": {"samples": 60}, "exact": {"samples": 30, "exact": True}}


class TestFilterAscent(Conformance):
    explainer = FilterAscent
    settings: ClassVar = {
        "ascent": {"steps": 3},
        "outputs": {"view": "outputs"},
        "images": {"view": "images", "top": 3},
        "class": {"view": "class", "steps": 3},
    }


class TestConfusion(Conformance):
    explainer = Confusion
