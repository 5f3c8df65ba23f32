"""The timeline under Pilot: curves, frames, narrowing by what was learned when, and a run that grows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fer_tui.engine.settings import Settings
from fer_tui.tui.curving import rivals_of
from fer_tui.tui.screens.explore import Explore
from fer_tui.tui.screens.timeline import TimelineScreen
from fer_tui.tui.widgets.curves import CurvePlot, Film, Frame
from fer_tui.tui.widgets.lines import Lines

Opened = Callable[..., AbstractAsyncContextManager[Any]]


def weights(seed: int) -> dict[str, torch.Tensor]:
    """Weights of the tests' network."""
    torch.manual_seed(seed)
    features = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU())
    return nn.ModuleDict({"features": features, "head": nn.Linear(480, 3)}).state_dict()


@pytest.fixture
def run(project: Callable[..., Settings], tmp_path: Path) -> Settings:
    """A run of three snapshots of the tests' network."""
    (tmp_path / "run").mkdir()
    for epoch in (1, 2, 10):
        torch.save(weights(epoch), tmp_path / "run" / f"epoch{epoch}.pt")
    return dataclasses.replace(project(), weights=(str(tmp_path / "run"),))


async def known(sight: Any, count: int) -> None:
    await sight.until(lambda: sight.app.desk.run.known == count, f"the predictions of {count} checkpoints")
    await sight.until(lambda: getattr(sight.app.screen, "_wait", None) is None, "the drawing of them")


async def test_curves_and_frames_follow_the_keys(opened: Opened, run: Settings) -> None:
    async with opened(run) as sight:
        await sight.explained()
        await sight.type("gt")
        assert isinstance(sight.app.screen, TimelineScreen)
        assert sight.browser.checkpoint == 2  # a folder's last
        await known(sight, 3)
        await sight.type("hh")
        screen = sight.app.screen
        course = screen.course
        assert course is not None and course.checkpoints == ("epoch1.pt", "epoch2.pt", "epoch10.pt")
        await sight.until(lambda: all(screen.desk.frames.answered(n).final for n in range(3)), "three frames")
        frames = [frame for frame in screen.query(Frame) if frame.display]
        shown = [[lines.text.strip() for lines in frame.query(Lines)] for frame in frames]
        assert [name for name, _ in shown] == ["▸ 1", "2", "10"]
        for number, (_, below) in enumerate(shown):
            assert below.startswith(course.classes[course.predicted[number, 0]])
        maps = [screen.desk.frames.answered(n).explanation.values for n in range(3)]
        assert not np.array_equal(maps[0], maps[1])
        assert {screen.desk.frames.answered(n).place.target for n in range(3)} == {int(course.predicted[2, 0])}
        await sight.type("t")
        assert {screen.desk.frames.answered(n).request.place.target for n in range(3)} == {int(course.labels[0])}

        legend = sight.text("#legend")
        assert f"{course.accuracy[0]:.3f}" in legend
        await sight.type("ll")
        assert sight.browser.checkpoint == 2 and "checkpoint 3/3" in sight.text("#top")
        legend = sight.text("#legend").splitlines()
        change = course.recall[2] - course.recall[1]
        for name, line in zip(course.classes, legend[2:], strict=True):
            assert f"{change[course.classes.index(name)]:+.3f}" in line and name in line
        assert sight.text("#curves").count("●") >= 3
        await sight.type("j5G,")
        assert (sight.browser.row, sight.browser.checkpoint) == (5, 1)
        await sight.until(lambda: screen.desk.frames.answered(1).final, "the frame of image 5")
        assert screen.desk.frames.answered(1).place.image == 5
        await sight.type("2c")
        assert {screen.desk.frames.answered(n).request.place.target for n in range(3)} == {2}
        assert "▸ dog" in sight.text("#legend")
        await sight.type("y")
        assert "--checkpoint 1" in sight.text().replace("\n", " ")
        await sight.type("{escape},y")
        assert "--checkpoint 0" in sight.text().replace("\n", " ")
        await sight.type("{escape}.")
        await sight.type("{escape}q")
        assert isinstance(sight.app.screen, Explore)
        await sight.explained()
        assert sight.answered.place.checkpoint == 1 and sight.answered.place.image == 5


async def test_a_click_goes_to_a_checkpoint(opened: Opened, run: Settings) -> None:
    async with opened(run) as sight:
        await sight.explained()
        await sight.type("gt")
        await known(sight, 3)
        await sight.pilot.click(CurvePlot, offset=(6, 3))
        await sight.until(lambda: sight.browser.checkpoint == 0, "the first checkpoint")
        await sight.pilot.click(sight.app.screen.query(Frame)[1])
        await sight.until(lambda: sight.browser.checkpoint == 1, "the middle one")


async def test_images_are_listed_by_what_was_learned_when(opened: Opened, run: Settings) -> None:
    async with opened(run) as sight:
        await sight.explained()
        await sight.type("/learned:10{enter}")  # asks for the predictions by itself
        await known(sight, 3)
        await sight.predicted()
        course = sight.browser.predictions.course
        assert course is not None

        def listed() -> list[int]:
            return [sight.browser.row_at(n) for n in range(sight.browser.count)]

        await sight.until(lambda: listed() == course.learned_at(2).tolist(), "the images learned at the end")
        assert listed()
        for text, rows in (
            ("forgotten", np.flatnonzero(course.forgotten)),
            ("never -true:cat", np.flatnonzero(course.never & (course.labels != 1))),
            ("flips>1", np.flatnonzero(course.flips > 1)),
            ("-learned:1", np.flatnonzero(course.learned != 0)),
            ("learned", np.flatnonzero(course.learned > 0)),
            ("lost:2", course.lost_at(1)),
        ):
            assert sight.app.explore.narrow(text) is None and listed() == rows.tolist(), text
        assert "no checkpoint '7'" in str(sight.app.explore.narrow("learned:7"))
        assert "is no term" in str(sight.app.explore.narrow("flips"))
        await sight.type("gtll{enter}")
        assert isinstance(sight.app.screen, Explore) and sight.browser.narrowing == "learned:10"
        await sight.type("gtw")
        assert sight.browser.narrowing == "lost:10" and listed() == course.lost_at(2).tolist()
        await sight.type("gtf")
        assert sight.browser.narrowing == "forgotten"


async def test_a_run_that_is_trained_grows_and_nothing_is_made_twice(
    opened: Opened, run: Settings, tmp_path: Path
) -> None:
    async with opened(run) as sight:
        await sight.explained()
        await sight.type("gth")
        await known(sight, 3)
        before = sight.app.desk.run.digests
        half = tmp_path / "run" / "epoch11.pt"
        torch.save(weights(11), tmp_path / "whole.pt")
        content = (tmp_path / "whole.pt").read_bytes()
        half.write_bytes(content[: len(content) // 2])
        torch.save(weights(12), tmp_path / "run" / "epoch12.part")
        (tmp_path / "run" / "epoch12.part").rename(tmp_path / "run" / "epoch12.pt")
        await sight.until(lambda: "checkpoint 2/4" in sight.text("#top"), "the new checkpoint")
        assert sight.app.desk.run.names[-1] == "epoch12.pt" and "epoch12.pt" in sight.text("#status")
        await known(sight, 4)
        assert sight.app.desk.run.digests[:3] == before and sight.browser.checkpoint == 1
        assert len(sight.app.screen.course.checkpoints) == 4
        half.write_bytes(content)
        await sight.until(lambda: "checkpoint 2/5" in sight.text("#top"), "the one that is whole now")
        assert sight.app.desk.run.names[-2:] == ("epoch12.pt", "epoch11.pt")  # as they came: numbers never shift
        await known(sight, 5)


async def test_sizes_and_single_checkpoints(opened: Opened, run: Settings, project: Callable[..., Settings]) -> None:
    async with opened(project()) as sight:
        await sight.explained()
        await sight.type("gt")
        assert isinstance(sight.app.screen, Explore) and "there is one checkpoint" in sight.text("#status")
        assert "there is one checkpoint" in str(sight.app.explore.narrow("forgotten"))
    async with opened(run, (200, 50)) as sight:
        await sight.explained()
        await sight.type("gt")
        await known(sight, 3)
        film = sight.app.screen.query_one(Film)
        for size, frames in (((200, 50), 3), ((60, 30), 3), ((34, 24), 1), ((80, 12), 0)):
            await sight.pilot.resize_terminal(*size)
            await sight.settle()
            shown = [frame for frame in film.query(Frame) if frame.display and film.display and frame.size.area]
            assert len(shown) == frames, size
            assert "accuracy" in sight.text("#legend") and "right from here on" in sight.text("#run-words")
            assert sight.text("#curves").strip()


async def test_each_of_two_networks_has_its_own_axis(opened: Opened, run: Settings, tmp_path: Path) -> None:
    """The other run's accuracy lies below, where it was at the same epoch; narrowing asks of the current one's."""
    (tmp_path / "other").mkdir()
    for epoch in (2, 10, 40, 90):
        torch.save(weights(epoch + 7), tmp_path / "other" / f"at{epoch}.pt")
    both = dataclasses.replace(run, others=(dataclasses.replace(run, weights=(str(tmp_path / "other"),)),))
    async with opened(both) as sight:
        await sight.predicted()
        await sight.type("gt")
        await known(sight, 7)
        screen, desk = sight.app.screen, sight.app.desk
        assert [name.split()[-1] for name in screen.names] == ["epoch1.pt", "epoch2.pt", "epoch10.pt"]
        assert screen.here == 2
        accuracy = {n: desk.run.course(sight.browser.predictions.labels, [n]).accuracy[0] for n in range(7)}
        (rival,) = rivals_of(desk)
        np.testing.assert_array_equal(rival.values, [np.nan, accuracy[3], accuracy[4]])
        legend = sight.text("#legend").splitlines()
        assert legend[1].split()[2] == f"{accuracy[2]:5.3f}"
        assert legend[2].split()[-2:] == [f"{accuracy[4]:5.3f}", f"{accuracy[4] - accuracy[2]:+.3f}"]
        assert list(screen.window) == [0, 1, 2]
        await sight.type("l")  # on to the other one, which has another axis
        assert sight.browser.checkpoint == 3 and screen.here == 0 and list(screen.window) == [3, 4, 5, 6]
        await sight.type("3l")
        await known(sight, 7)
        (rival,) = rivals_of(desk)
        np.testing.assert_array_equal(rival.values, [accuracy[1], accuracy[2], accuracy[2], accuracy[2]])
        course = desk.run.course(sight.browser.predictions.labels, range(3, 7))
        await sight.type("{enter}")
        assert sight.browser.narrowing == "learned:90"
        assert sorted(sight.browser.row_at(n) for n in range(sight.browser.count)) == course.learned_at(3).tolist()
