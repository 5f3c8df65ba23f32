"""Layers, filters and parameters in the explorer: keys that choose them, and explanations that follow."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fer_tui
from fer_tui.cli import main
from fer_tui.contract import Heatmap, Place
from fer_tui.engine import codec, open_session
from fer_tui.engine.messages import Answer
from fer_tui.engine.settings import Settings
from fer_tui.tui.asking import Asking, Request
from fer_tui.tui.screens.layers import LayerPicker
from tests.tui.test_tui_grid import Jobs

Opened = Callable[..., AbstractAsyncContextManager[Any]]

KIT = """
from dataclasses import dataclass
import numpy as np
from fer_tui.contract import Axis, Explainer, Heatmap, Parameters, Result, parameter

@dataclass(frozen=True, kw_only=True)
class LensParameters(Parameters):
    gain: float = parameter(2.0, "how much", unit="x", low=0.5, high=9)
    flip: bool = parameter(False, "upside down")

class Lens(Explainer[LensParameters]):
    name, title, help, version, kind = "lens", "Lens", "for tests", "1", "heatmap"
    axes = frozenset({Axis.IMAGE, Axis.LAYER, Axis.FILTER, Axis.CHECKPOINT})
    Parameters = LensParameters

    def explain(self, subject, parameters):
        image = subject.classifier.shown(subject.image)
        number = -1 if subject.place.filter is None else subject.place.filter
        values = np.full(image.shape[:2], parameters.gain * (number + 2), np.float32)
        yield Result(subject.place, Heatmap(values=values, image=image, meta={"layer": subject.place.layer or "fc"}))
"""


@pytest.fixture(autouse=True)
def three_methods(only_two_methods: None, monkeypatch: pytest.MonkeyPatch, install: Callable[..., None]) -> None:
    """lens, saliency and cam beside confusion."""
    install("kit", KIT, {"lens": "kit:Lens"})
    monkeypatch.setenv("FER_TUI_DISABLE_PLUGINS", "lime,filter-ascent")


async def test_layers_and_filters_are_a_key_away(opened: Opened, samples: Settings) -> None:
    async with opened(samples) as sight:
        await sight.explained()
        await sight.type("]")
        assert "Saliency does not hang on a layer" in sight.text("#status") and sight.browser.layer is None
        await sight.type("3m")
        await sight.explained()
        names = [each.name for each in sight.app.desk.choice.layers]
        await sight.type("i")
        assert isinstance(sight.app.screen, LayerPicker)
        await sight.type("stage1.0 norm1{enter}")
        await sight.explained()
        assert sight.browser.layer == "features.stage1.0.norm1"
        await sight.type("i{home}{down}{down}{down}{enter}")
        await sight.explained()
        assert sight.browser.layer == names[2] == sight.answered.place.layer
        await sight.type("2]")
        await sight.type("}}}")
        await sight.explained()
        assert sight.answered.place.layer == names[4] and sight.answered.place.filter == 2
        assert np.unique(sight.explanation.values).tolist() == [8.0]
        assert f"Lens at {names[4]}, filter 2" in sight.text("#caption")
        await sight.type("5{")
        last = sight.app.desk.choice.layers[4].filters - 1
        assert sight.browser.filter == last - 1
        await sight.type("99[")
        assert sight.browser.layer == names[0] and sight.browser.filter is None


async def test_a_layer_of_cam_is_the_layer_of_the_library(opened: Opened, samples: Settings) -> None:
    async with opened(samples) as sight:
        await sight.explained()
        await sight.type("1m[")
        await sight.explained()
        place, values = sight.answered.place, sight.explanation.values
    with open_session(samples) as session:
        image = session.dataset[place.image].image
        expected = fer_tui.explain("cam", session.classifier, image, target=place.target, layer=place.layer)
    assert place.layer is not None and values == pytest.approx(expected.values, abs=1e-5)


async def test_parameters_are_chosen_switched_and_typed(
    opened: Opened, samples: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    async with opened(samples) as sight:
        await sight.explained()
        await sight.type("3mp")
        assert "gain  2.0 x" in sight.text("#form") and "flip  no" in sight.text("#form")
        assert "how much · default 2.0 · from 0.5 to 9 x" in " ".join(sight.text("#form").split())
        await sight.type("j{space}")
        assert sight.app.desk.choice.parameters(sight.app.desk.choice.method)["flip"] is True
        await sight.type("k{enter}{backspace}{backspace}{backspace}00{enter}")
        assert "✗ 0.0 is outside 0.5 to 9 x" in sight.text("#form")
        await sight.type("{backspace}{backspace}4{enter}")
        await sight.explained()
        assert np.unique(sight.explanation.values).tolist() == [4.0]
        await sight.type("5{escape}{escape}")
        assert sight.app.desk.choice.parameters(sight.app.desk.choice.method)["gain"] == 4.0
        await sight.type("y")
        assert "-p gain=4.0 -p flip=true" in sight.text().replace("\n", " ")
    assert main(["plugins", "lens"]) == 0 and "gain" in capsys.readouterr().out


async def test_a_map_is_judged_on_request_and_stays_so(opened: Opened, samples: Settings, tmp_path: Path) -> None:
    own = replace(samples, cache=str(tmp_path))  # in the common store the others would find the verdicts
    async with opened(own) as sight:
        await sight.explained()
        await sight.type("2m")
        await sight.explained()
        assert sight.app.desk.choice.method.name == "saliency" and "trust" not in sight.text("#caption")
        values = sight.explanation.values
        await sight.type("T")
        assert sight.explanation.values is not None, "the map stays on the screen meanwhile"
        await sight.until(lambda: sight.answered.final and "trust" in sight.explanation.meta, "verdicts")
        verdicts = sight.explanation.meta["trust"]["verdicts"]
        badge = "".join("✓" if ok else "✗" for ok in verdicts.values())
        assert f"trust {badge}" in sight.text("#caption") and len(badge) >= 2
        assert np.array_equal(sight.explanation.values, values)
        await sight.type("y")
        assert "--trust" in sight.text().replace("\n", " ")
        await sight.type("{escape}j")
        await sight.explained()
        assert "trust" not in sight.text("#caption")
        await sight.type("k")
        await sight.explained()
        assert f"trust {badge}" in sight.text("#caption"), "what was found is not asked again"
        await sight.type("y")
        assert "--trust" in sight.text().replace("\n", " "), "and the command makes what is shown"


def test_a_judged_map_is_found_again_also_before_the_predicted_class_is_known() -> None:
    made, judged = (
        Heatmap(values=np.ones((2, 2), np.float32), image=np.zeros((2, 2), np.uint8), meta=meta)
        for meta in ({}, {"trust": {"verdicts": {"stable": True}}})
    )
    kept = {Place(image=7, target=2): judged}
    look_up = lambda request: (request.place, kept[request.place]) if request.place in kept else None  # noqa: E731
    asking = Asking(Jobs(), look_up, codec.unpack)  # type: ignore[arg-type]
    asking.want(Request("saliency", {}, Place(image=7)))
    for final in (False, True):
        asking.take(Answer(0, "", Place(image=7, target=2), final, None, 0.25, codec.pack(made)))
        assert ("trust" in asking.answered.explanation.meta) == asking.answered.final == final
        assert asking.answered.made_by == Request("saliency", {}, Place(image=7), judged=final)
    assert asking.answered.place == Place(image=7, target=2) and asking.answered.seconds == 0.25
    asking.want(Request("saliency", {}, Place(image=8)))
    asking.take(Answer(1, "", Place(image=8, target=0), True, None, 0.25, codec.pack(made)))
    assert asking.answered.final and "trust" not in asking.answered.explanation.meta, "nothing was found there"
