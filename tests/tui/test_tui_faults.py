"""What goes wrong is told, and the explorer goes on: lost processes, bad explainers, names that would steer it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fer_tui.contract import Heatmap
from fer_tui.engine.settings import Settings
from fer_tui.tui.screens.explore import Explore
from fer_tui.tui.screens.popups import Details

Opened = Callable[..., AbstractAsyncContextManager[Any]]
Make = Callable[..., Settings]
Install = Callable[[str, str, dict[str, str]], None]

# Explainers of a package of its own, as somebody else would write them.
TOOLS = """
import os, signal, sys, time
import numpy as np
from fer_tui.contract import Axis, Explainer, Heatmap, Result

class _Base(Explainer):
    help = "for tests"
    version = "1"
    kind = "heatmap"
    axes = frozenset({Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT})

    def heatmap(self, subject, value):
        image = subject.classifier.shown(subject.image)
        return Heatmap(values=np.full(image.shape[:2], value, np.float32), image=image)

class Quick(_Base):
    name, title = "a-quick", "Quick"

    def explain(self, subject, parameters):
        yield Result(subject.place, self.heatmap(subject, subject.place.image), True)

class Steps(_Base):
    name, title = "b-steps", "Steps"

    def explain(self, subject, parameters):
        for n in range(2000):
            yield Result(subject.place, self.heatmap(subject, n), False, n / 2000)
            time.sleep(0.02)

class Dies(_Base):
    name, title = "c-dies", "Dies"

    def explain(self, subject, parameters):
        os.kill(os.getpid(), signal.SIGSEGV)
        yield

class Exits(_Base):
    name, title = "d-exits", "Exits"

    def explain(self, subject, parameters):
        print("a word on stdout that must not break the stream")
        raise SystemExit("enough")
        yield

class Rude(_Base):
    name, title = "e-rude", "[b]Rude\\x1b[31m"

    def explain(self, subject, parameters):
        subject.classifier.module.train()
        raise RuntimeError("in the middle [red]of it\\x1b[2J")
        yield
"""


@pytest.fixture
def tools(install: Install) -> None:
    """The distribution `tools`: explainers a-quick, b-steps, c-dies, d-exits, e-rude."""
    names = {"a-quick": "Quick", "b-steps": "Steps", "c-dies": "Dies", "d-exits": "Exits", "e-rude": "Rude"}
    install("tools", TOOLS, {name: f"tools:{each}" for name, each in names.items()})


def told(sight: Any) -> str:
    return " ".join(sight.text("#caption").split())


@pytest.mark.usefixtures("tools")
async def test_a_killed_compute_process_is_started_again(opened: Opened, project: Make) -> None:
    async with opened(project()) as sight:
        await sight.predicted()
        await sight.until(lambda: len(sight.app.desk.project.methods) > 6, "the explainers")
        await sight.type("/true:cat{enter}3j3m2c")
        row, count = sight.browser.row, sight.browser.count
        place = sight.browser.place
        assert count < 60 and sight.app.desk.choice.method.name == "b-steps"
        await sight.until(lambda: sight.answered.explanation is not None, "a first step")
        assert "computing" in sight.text("#status") and not sight.answered.final
        pid = sight.app.compute.pid
        os.kill(pid, signal.SIGKILL)
        await sight.until(lambda: sight.app.desk.lost, "the loss")
        assert "the compute process was ended by SIGKILL; it is started again" in sight.text("#status")
        assert sight.browser.place == place
        await sight.type("jk")
        await sight.until(lambda: not sight.app.desk.lost, "the new process")
        assert sight.app.compute.pid not in (pid, None)
        assert (sight.browser.row, sight.browser.count, sight.browser.narrowing) == (row, count, "true:cat")
        assert sight.app.desk.choice.method.name == "b-steps" and sight.browser.place == place
        await sight.until(lambda: sight.answered.explanation is not None, "a step of the new process")
        assert "it was started again, and all goes on" in sight.text("#status")
        await sight.type("Z")
        assert "SIGKILL" not in sight.text("#status") and "computing" in sight.text("#status")
        await sight.type("{escape}")
        assert not sight.app.desk.image.is_working and "stopped" in sight.text("#status")
        held = sight.explanation
        await sight.type("o")
        assert sight.explanation is held and sight.browser.narrowing == "true:cat"
        await sight.type("2m")
        await sight.explained()
        assert isinstance(sight.explanation, Heatmap) and sight.explanation.values.max() == row
        await sight.type("3m")
        await sight.until(lambda: sight.answered.explanation is not None, "a first step")
        await sight.type("{escape}{escape}")
        assert sight.browser.narrowing == "" and sight.browser.row == row


@pytest.mark.usefixtures("tools")
async def test_explainers_that_fail_are_told_and_life_goes_on(opened: Opened, project: Make) -> None:
    async with opened(project()) as sight:
        await sight.predicted()
        await sight.until(lambda: len(sight.app.desk.project.methods) > 6, "the explainers")
        assert r"6 [b]Rude\x1b[31m" in sight.text()
        for keys, fault in (("5m", "enough"), ("6m", r"in the middle [red]of it\x1b[2J")):
            await sight.type(keys)
            await sight.until(lambda: sight.answered.fault, "a fault")
            assert fault in told(sight) and "(! shows all of it)" in told(sight)
            assert fault[-16:] in sight.text(), "the fault is not drawn"
            await sight.type("!")
            assert isinstance(sight.app.screen, Details)
            await sight.until(lambda: "Traceback" in sight.text() and "tools" in sight.text(), "the fault in full")
            await sight.type("q2m")
            await sight.explained()
        await sight.type("4m")
        await sight.until(lambda: sight.answered.fault, "a fault")
        assert "ended by SIGSEGV" in told(sight)
        await sight.type("2m7G")
        await sight.explained()
        assert sight.explanation.values.max() == 7 and not sight.app.desk.lost
        await sight.type("4mj")
        await sight.until(lambda: sight.answered.fault, "a fault")
        assert "explainer c-dies (tools 1.0): it has ended the compute process 2 times: left out" in told(sight)
        assert not sight.app.desk.lost
        await sight.type("2mk")
        app, killed = sight.app, [0]
        while not app.desk.given_up:
            await sight.until(lambda: app.desk.given_up or (app.compute.pid or 0) not in killed, "a process")
            if app.compute.pid is not None:
                os.kill(app.compute.pid, signal.SIGKILL)
                killed.append(app.compute.pid)
        assert "it is given up: Ctrl+R starts it again" in sight.text("#status")
        await sight.type("jk")
        assert isinstance(sight.app.screen, Explore) and sight.browser.row == 7
        await sight.type("{ctrl+r}")
        await sight.until(lambda: not sight.app.desk.given_up and not sight.app.desk.lost, "the new process")
        await sight.explained()
        await sight.type("{ctrl+r}")
        assert "the compute process is at work" in sight.text("#status")


NASTY = ("[red]x[/red]", "[/]\x1b[31m", "a\nb\x9b2J")


async def test_names_are_shown_and_never_obeyed(opened: Opened, project: Make) -> None:
    settings = project(NASTY, name="[b]no\x1b]0;title\x07ise.npz")
    shown = [name.replace("\x1b", r"\x1b").replace("\n", r"\n").replace("\x9b", r"\x9b") for name in NASTY]
    async with opened(settings) as sight:
        await sight.predicted()
        await sight.explained()
        texts = [sight.text()]
        assert r"[b]no\x1b]0;title\x07ise.npz" in texts[0]
        for name in shown:
            assert name[:7] in sight.text("#scores") and name in "\n".join(line[:30] for line in sight.lines()[2:-2])
        for row in range(3):
            await sight.type(f"{row}G")
            assert f"{row}  true {shown[sight.browser.label]} " in sight.text() + " "
            await sight.explained()
            assert f" of {shown[sight.answered.place.target]} · " in sight.text("#caption")
        for keys in ("c", "{escape}y", "q?", "qgc"):
            await sight.type(keys)
            texts.append(sight.text())
        await sight.until(lambda: sight.app.desk.matrix.answered.final, "the matrix")
        for row in range(3):
            for column in range(3):
                await sight.type(f"{row}ggh9h{column}l" if column else f"{row}gg9h")
                texts.append(sight.text())
                assert all(name[:8] in texts[-1] for name in shown)
        counts = sight.app.desk.matrix.answered.explanation.counts
        labels, predicted = sight.browser.predictions.labels, sight.browser.predictions.predicted
        for row, column in np.argwhere(counts)[:3].tolist():
            await sight.type(f"{row}gg{column}l{{enter}}" if column else f"{row}gg{{enter}}")
            assert isinstance(sight.app.screen, Explore)
            rows = {sight.browser.row_at(p) for p in range(sight.browser.count)}
            assert rows == set(np.flatnonzero((labels == row) & (predicted == column)).tolist())
            texts.append(sight.text())
            await sight.type("/x")
            texts.append(sight.text())
            await sight.type("{escape}{escape}gc")
        assert "[red]x[/red]" in "".join(texts)
        for text in texts:
            assert text.replace("\n", "").isprintable()
        picture = sight.app.export_screenshot()
        assert "\x1b" not in picture and "\x9b" not in picture


async def test_a_picture_that_cannot_be_read_is_told_and_left_behind(
    opened: Opened, project: Make, tmp_path: Path
) -> None:
    rng = np.random.default_rng(5)
    for n in range(9):
        path = tmp_path / "data" / ("bee", "cat", "dog")[n % 3] / f"{n}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (12, 10), np.uint8)).save(path)
        if n in (0, 4):
            path.write_bytes(path.read_bytes()[:90])
    async with opened(replace(project(), data=str(tmp_path / "data"))) as sight:
        await sight.predicted()
        assert sight.browser.predictions.predicted.tolist().count(-1) == 2
        await sight.type("j")
        await sight.explained()
        await sight.type("gg")
        await sight.until(lambda: "early" in sight.text(), "what is wrong: it is cut off, the picture ends too early")
        await sight.type("v{escape}gggcgej")
        await sight.explained()


async def test_wide_characters_keep_the_columns(opened: Opened, project: Make) -> None:
    async with opened(project(("驚き", "悲しみ", "joy")), size=(120, 40)) as sight:
        await sight.predicted()
        await sight.explained()
        assert {strip.cell_length for strip in sight.app.screen._compositor.render_strips()} == {120}
        ends = [cells(bar) for bar in sight.text("#scores").splitlines()]
        assert len(set(ends)) == 1
        await sight.type("gc")
        await sight.until(lambda: sight.app.desk.matrix.answered.final, "the matrix")
        lines = sight.lines()
        heads = [line for line in lines if line.rstrip().endswith("images") and "recall" in line]
        rows = [line for line in lines if any(name in line[:12] for name in ("驚き", "悲しみ", "joy"))]
        sums = {cells(line.rstrip()) for line in (*heads, *rows[:3])}
        assert len(rows) >= 3 and len(sums) == 1, (heads, rows)


def cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
