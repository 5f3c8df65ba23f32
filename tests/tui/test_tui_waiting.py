"""Nobody waits: stubborn work is ended, neighbours are made ahead, what is left is told."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from fer_tui.contract import Heatmap
from fer_tui.engine.settings import Settings
from fer_tui.tui.pace import Pace

Opened = Callable[..., AbstractAsyncContextManager[Any]]
Make = Callable[..., Settings]
Install = Callable[[str, str, dict[str, str]], None]

# Explainers of a package of its own: one that is quick, one that does not yield for an hour.
TOOLS = """
import pathlib, time
import numpy as np
from fer_tui.contract import Axis, Explainer, Heatmap, Result

class Quick(Explainer):
    help, version, kind, name, title = "for tests", "1", "heatmap", "a-quick", "Quick"
    axes = frozenset({Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT})

    def explain(self, subject, parameters):
        with open(pathlib.Path(__file__).with_name("made.txt"), "a") as made:
            print(subject.place.image, subject.place.target, file=made)
        image = subject.classifier.shown(subject.image)
        values = np.full(image.shape[:2], subject.place.image, np.float32)
        yield Result(subject.place, Heatmap(values=values, image=image), True)

class Stubborn(Quick):
    name, title = "b-stubborn", "Stubborn"

    def explain(self, subject, parameters):
        time.sleep(3600)
        yield
"""


@pytest.fixture
def tools(install: Install) -> None:
    """The distribution `stubtools`: explainers a-quick and b-stubborn."""
    install("stubtools", TOOLS, {"a-quick": "stubtools:Quick", "b-stubborn": "stubtools:Stubborn"})


@pytest.mark.usefixtures("tools")
async def test_stubborn_work_is_ended_and_neighbours_are_made_ahead(
    opened: Opened, project: Make, tmp_path: Any
) -> None:
    def made() -> list[str]:
        return (tmp_path / "site" / "made.txt").read_text().splitlines()

    async with opened(project()) as sight:
        await sight.predicted()
        await sight.until(lambda: len(sight.app.desk.project.methods) > 3, "the explainers")
        await sight.type("/row<40{enter}10G2m")
        await sight.explained()
        predicted = sight.browser.predictions.predicted
        for keys, row, ahead in (("", 10, (11, 9, 12)), ("j", 11, (13,)), ("k", 10, (8,))):
            await sight.type(keys)
            assert sight.browser.row == row
            wanted = {f"{each} {predicted[each]}" for each in ahead}
            await sight.until(lambda wanted=wanted: wanted <= set(made()), f"the neighbours {wanted}")
        await sight.type("l")
        target = sight.browser.target_class
        wanted = {f"10 {(target + step) % 3}" for step in (0, 1, 2)}
        await sight.until(lambda: wanted <= set(made()), "the neighbouring classes")
        await sight.type("j")
        assert sight.answered.final and sight.answered.seconds is None, "it was made ahead, and is there at once"
        assert len(made()) == len(set(made())), "nothing is made twice"
        place, pid = sight.browser.place, sight.app.compute.pid
        await sight.type("3m")
        assert "computing" in sight.text("#status")
        await sight.type("{escape}")
        assert "stopped" in sight.text("#status"), "Esc is acknowledged at once"
        await sight.until(lambda: sight.app.desk.lost, "the end of the process")
        assert "did not stop within 2 s; it is started again" in sight.text("#status")
        assert sight.browser.place == place and sight.browser.narrowing == "row<40"
        await sight.until(lambda: not sight.app.desk.lost, "the new process")
        assert sight.app.compute.pid not in (pid, None)
        await sight.type("2mjj")
        await sight.explained()
        assert isinstance(sight.explanation, Heatmap) and sight.explanation.values.max() == sight.browser.row == 13


def test_what_is_left_is_told_from_the_rate_so_far() -> None:
    now = 100.0
    pace = Pace(lambda: now)
    assert pace.left("a", 0.1) == ""
    now = 100.5
    assert pace.left("a", 0.15) == "", "too early to tell"
    now = 104.0
    assert pace.left("a", 0.3) == " 14 s left"
    assert pace.left("b", 0.3) == ""
    now = 104.1
    assert pace.left("a", 0.05) == "", "it has begun anew"
    now = 114.1
    assert pace.left("a", 0.06) == " 16 min left"
    assert pace.left("a", None) == "" and pace.left("a", 0.5) == ""
