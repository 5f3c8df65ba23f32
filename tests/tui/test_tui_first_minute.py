"""The first minute: the three steps on the samples, and what was understood of data and network of one's own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

from fer_tui.engine.settings import Settings
from fer_tui.tui.first_steps import STEPS, FirstSteps
from fer_tui.tui.state import Record, State
from fer_tui.tui.understood import facts

Opened = Callable[..., AbstractAsyncContextManager[Any]]


def test_each_step_is_taken_once_and_kept() -> None:
    record = Record(None)
    steps = FirstSteps(record, wanted=True)
    assert steps.left == list(STEPS)
    assert [steps.take(name) for name in ("up", "method", "method")] == [False, True, False]
    assert FirstSteps(record, wanted=True).left == ["down", "classes"]
    assert FirstSteps(record, wanted=False).left == []


async def test_the_samples_tell_three_steps_until_they_are_taken(opened: Opened, samples: Settings) -> None:
    settings = replace(samples, keys={"method": ("Q",)})
    async with opened(settings, (80, 24)) as sight:
        await sight.until(lambda: sight.app.desk.browser is not None, "the list")
        hints = lambda: " ".join(sight.lines()[-1].split())  # noqa: E731
        assert hints() == "first j next image Q next method n mistake / narrow ? help q quit"
        await sight.pilot.resize_terminal(200, 60)
        await sight.settle()
        assert hints().startswith("first j next image Q next method gc what is taken for what n mistake / narrow")
        assert hints().count("gc") == 1, "a step is no hint beside it"
        await sight.pilot.resize_terminal(80, 24)
        await sight.type("j")
        assert hints().startswith("first Q next method ")
        await sight.type("gc")
        assert hints().startswith("Enter images")  # no step can be taken here
        await sight.type("ge")
        assert hints().startswith("first Q next method ")
        await sight.type("Q")
        assert "first" not in hints() and "j" not in hints().split()
    assert sorted(State.open().user.values["steps"]) == sorted(STEPS)


async def test_what_was_understood_is_told_until_there_is_something_to_see(
    opened: Opened, project: Callable[..., Settings]
) -> None:
    async with opened(project(), (120, 40)) as sight:
        shown = lambda: " ".join(sight.text("#summary").split())  # noqa: E731
        assert "next image" not in sight.text()
        told = lambda: {name: (text, mend) for name, text, mend in facts(sight.app.desk.project) if name}  # noqa: E731
        await sight.until(lambda: sight.app.desk.project.classifier is not None, "the network")
        assert told()["images"] == ("60, 12 × 10 gray", "")
        assert told()["classes"][0].startswith("bee ") and told()["data"][0] == "noise.npz"
        assert told()["input"] == ("12 × 10 gray; pictures of another size are stretched", "--size, --fit")
        assert told()["output"] == ("3 classes: bee, cat, dog", "--classes, --output")
        assert told()["head"][0] == "head (Linear)"
        assert told()["pixels"] == ("x / 255, from 0 to 1", "--mean, --std")
        await sight.explained()
        assert "what was understood" in shown() and "60, 12 × 10 gray" in shown()
        assert not sight.app.explore.has_class("-understanding") and "what was understood" not in sight.text()
        await sight.type("I")
        assert "what was understood" in sight.text() and "3 classes: bee, cat, dog" in sight.text()
        await sight.type("{escape}j")
        assert sight.browser.row == 1
