"""B starts a real batch beside the explorer, shows how far it is, stops it, leaves it at work where that is asked."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_tui import plugins
from fer_tui.batch import Asked
from fer_tui.cli import batch as cli
from fer_tui.cli import main
from fer_tui.contract import Description, Layer
from fer_tui.engine.messages import ClassifierOpened, Variant
from fer_tui.engine.settings import Settings
from fer_tui.tui.batch_form import BatchForm
from fer_tui.tui.batching import Estimate, Progress, words_for
from fer_tui.tui.browser import Browser
from fer_tui.tui.choice import Choice
from fer_tui.tui.project import Project
from fer_tui.tui.stored import MOST, counting

Opened = Callable[..., AbstractAsyncContextManager[Any]]


def batches_at_work(folder: Path) -> list[int]:
    """The processes that make a batch of what lies in the folder."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = each.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"fer_tui" in words and b"batch" in words and str(folder).encode() in b"\0".join(words):
            found.append(int(each.parent.name))
    return found


async def test_a_batch_is_started_watched_and_stopped(
    opened: Opened, project: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_TUI_STATE", str(tmp_path / "state"))
    settings = project(count=400)
    async with opened(settings, (80, 24)) as sight:
        desk = sight.app.desk
        await sight.predicted()
        await sight.type("/row<300{enter}")
        await sight.type("B")
        assert "the 300 listed: row<300" in sight.text()
        await sight.until(lambda: "300 maps, " in sight.text(), "what it would cost", 60)
        assert "about" in sight.text() and "iB" in sight.text()
        await sight.type("y")
        assert "fer-tui batch saliency --where 'row<300' --targets predicted" in sight.text()
        await sight.type("q{enter}")
        assert desk.batches.is_own and len(batches_at_work(tmp_path)) >= 1
        await sight.until(lambda: desk.batches.ended == 1, "the end of the batch", 60)
        await sight.until(lambda: "300 maps, all of them stored already" in sight.text(), "the cost anew", 60)
        await sight.until(lambda: "100%  300 of 300" in sight.text(), "the count")
        await sight.type("{enter}")
        assert "nothing left to be made" in sight.text()
        await sight.type("{escape}")
        assert "the batch is through: " in sight.text("#status") and not list((tmp_path / "state/batches").iterdir())
        await sight.type("G")
        assert sight.answered.final and sight.answered.seconds is None, "its maps are there at once"
        await sight.type("M")
        await sight.until(lambda: "100%" in sight.text(), "the bar of the method")

        await sight.type("{escape}{escape}:method smoothgrad{enter}")
        desk.choice.choose_under(desk.choice.method, {"samples": 500})  # so that it takes a while
        await sight.type("B")
        assert "all 400" in sight.text() and "samples 500" in sight.text()
        await sight.type("jjll{enter}")
        assert "all 3" in sight.text() and "starting" in sight.text()
        await sight.until(lambda: "of 1,200 maps are there" in sight.text(), "the first maps", 60)
        await sight.until(lambda: " a second" in sight.text() and " left" in sight.text(), "rate and time", 60)
        await sight.type("{escape}q")
        assert "a batch is at work" in sight.text()
        await sight.type("{escape}")
        assert "batch " in sight.text("#status")
        await sight.type("qj{enter}")
    (pid,) = {each for each in batches_at_work(tmp_path) if os.getsid(each) == each}
    async with opened(settings, (80, 24)) as sight:
        desk = sight.app.desk
        await sight.until(lambda: desk.batches.is_working, "the batch that was let go on")
        await sight.explained()
        assert not desk.batches.is_own and desk.batches.now.pid == pid
        await sight.type("Bx")
        assert "it is stopping" in sight.text()
        await sight.until(lambda: not desk.batches.is_working, "its end", 60)
        await sight.type("{escape}")
        assert "of 1,200 maps are stored; B goes on" in sight.text("#status")
    assert not batches_at_work(tmp_path), "the estimate ends with the explorer"


def described(method: str) -> Description:
    return plugins.description(plugins.load(method))


def asked_by(words: list[str]) -> argparse.Namespace:
    """What the command understands."""
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    return parser.parse_args(words[1:])


def test_the_words_are_those_of_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    description, settings = described("saliency"), Settings(data="missing.csv", weights=("a.pt", "b.pt"), theme="dark")
    values = {info.name: info.default for info in description.parameters} | {"samples": 9}
    asked = Asked("saliency", values, "-true:cat", 1, ("a.b", "c"), None, (0, 1), half=True)
    words = words_for(asked, description, ("dog", "cat"), settings)
    found = asked_by(words)
    assert (found.where, found.targets, found.layers, found.checkpoints) == ("-true:cat", "cat", ("a.b", "c"), (0, 1))
    assert found.half and words[:4] == ["batch", "saliency", "-p", "samples=9"] and "--theme" not in words
    usual = words_for(Asked("saliency", values), description, ("dog", "cat"), settings)
    assert asked_by(usual).where is None and asked_by(usual).targets is None
    into = words_for(Asked("saliency", values), description, (), settings, out=tmp_path / "maps")
    assert asked_by(into).out == tmp_path / "maps" and into[into.index("--store") + 1].endswith("fer-tui")
    assert main(usual) == 2 and "missing.csv" in capsys.readouterr().err, "it was read to its end"


def test_what_the_command_tells_is_read_and_nothing_else() -> None:
    line = '{"stage": "maps", "total": 8, "missing": 2, "made": 5, "rate": 2.5, "left": 1, "bytes": 9, "aside": 1}'
    progress = Progress.read(line)
    assert progress == Progress(8, 2, 5, 2.5, 1, 9, 1, "maps") and progress.share == 0.75
    assert Progress().share is None
    for other in ("", "{", "[1]", "3", '{"total": "8"}', "Traceback"):
        assert Progress.read(other) is None and Estimate.read(other) is None
    assert Estimate.read('{"total": 3, "missing": 2, "seconds": 1.5, "bytes": 70}') == Estimate(3, 2, 1.5, 70)


def a_browser(count: int) -> Browser:
    """Rows of three classes in turn, the first half of them predicted, as labelled."""
    browser = Browser(np.arange(count) % 3, ("bee", "cat", "dog"))
    browser.predictions.add(0, np.eye(3, dtype=np.float32)[np.arange(count // 2) % 3])
    return browser


def test_places_that_are_counted() -> None:
    browser, variants = a_browser(6), [Variant("saliency", {})]
    rows = np.array([5, 1, 0])
    found = counting(variants, browser, rows, "predicted")
    assert (found.places.rows, found.places.targets, found.whole) == ((5, 1, 0), (-1, 1, 0), True)
    assert counting(variants, browser, rows, "true").places.targets == (2, 1, 0)
    assert counting(variants, browser, rows, 2).places.targets == (2, 2, 2)
    every = counting(variants, browser, rows, None).places
    assert every.rows == (5, 5, 5, 1, 1, 1, 0, 0, 0) and every.targets == (0, 1, 2) * 3
    many = counting(variants, a_browser(90_000), np.arange(90_000), None)
    assert not many.whole and len(many.places.rows) == MOST
    assert many.places.rows[0] == 0 and many.places.rows[-1] > 89_900
    assert np.ptp(np.bincount(many.places.targets)) < 20, "no class is left out"
    assert np.ptp(np.diff(many.places.rows)) <= 1, "evenly spread"


def test_the_form_has_the_fields_of_the_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FER_TUI_DISABLE_PLUGINS")
    project = Project(Settings(weights=("a.pt", "b.pt")))
    project.methods = {name: described(name) for name in ("cam", "filter-ascent", "saliency")}
    layers = (Layer("one", "Conv2d", (4, 9, 9), 4, 40), Layer("two", "Conv2d", (8, 9, 9), 8, 80))
    project.classifier = ClassifierOpened(
        "net", ("bee", "cat", "dog"), (9, 9, 1), layers, ("a", "b"), ("x", "y"), "cpu"
    )
    browser = a_browser(6)
    browser.narrow("row<4")
    form = BatchForm(project, Choice(project, lambda: browser, lambda: None), browser)
    parameters = form.asked.parameters if form.asked is not None else {}
    assert form.asked == Asked("saliency", parameters, "row<4", "predicted", checkpoints=(0,))
    assert list(form.fields) == ["method", "where", "targets", "checkpoints", "half"]
    assert len(form.counting.places.rows) == 4
    form.turn(1)
    assert list(form.fields) == ["method", "where", "targets", "layers", "checkpoints", "half"]
    assert form.asked.layers is None
    for _ in range(3):
        form.move(1)
        form.turn(1)
    form.move(-2)
    form.turn(-1)
    assert (form.asked.where, form.asked.targets, form.asked.layers) == ("row<4", "true", "all")
    form.move(-1)
    form.turn(-1)
    assert (form.asked.method, form.asked.where, form.asked.targets) == ("saliency", "row<4", "true")
    form.turn(-1)
    assert list(form.fields) == ["method", "layers", "checkpoints"] and form.asked.targets is None
    assert form.title == "Filters, all 2, a, which is shown"
