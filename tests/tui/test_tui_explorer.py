"""The explorer on the bundled samples: what its keys do, and that what it shows is true."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import fer_tui
from fer_tui.cli import main
from fer_tui.contract import Heatmap, Matrix
from fer_tui.engine import open_session
from fer_tui.engine.settings import Settings
from fer_tui.picture import COLOUR_MAPS, heat_picture
from fer_tui.tui.bindings import bindings_of, key_name
from fer_tui.tui.first_steps import STEPS
from fer_tui.tui.look import VIEWS
from fer_tui.tui.screens.classes import ClassesScreen
from fer_tui.tui.screens.explore import Explore
from fer_tui.tui.screens.popups import Choice, Details, Help
from fer_tui.tui.state import State
from fer_tui.tui.widgets.lines import Page
from fer_tui.tui.widgets.narrow_box import NarrowBox

Opened = Callable[..., AbstractAsyncContextManager[Any]]


@dataclass(frozen=True)
class Truth:
    """The samples and their network, without the explorer."""

    classifier: Any
    dataset: Any
    scores: NDArray[np.float32]

    @property
    def labels(self) -> NDArray[np.int64]:
        return np.asarray(self.dataset.labels)

    @property
    def predicted(self) -> NDArray[np.int64]:
        return np.asarray(self.scores.argmax(1))

    @property
    def mistakes(self) -> list[int]:
        return np.flatnonzero(self.labels != self.predicted).tolist()

    def heatmap(self, row: int, target: int) -> Heatmap:
        made = fer_tui.explain("saliency", self.classifier, self.dataset[row].image, target=target)
        assert isinstance(made, Heatmap)
        return made


@pytest.fixture(scope="module")
def truth(samples: Settings) -> Truth:
    session = open_session(Settings(device="cpu", cache=samples.cache))
    classifier, dataset = session.classifier, session.dataset
    images = [dataset[row].image for row in range(len(dataset))]
    return Truth(classifier, dataset, np.asarray(classifier.scores(classifier.inputs(images)).detach().cpu()))


def seconds_of(status: str) -> bool:
    return bool(re.search(r"\d ms on cpu", status)) or "stored" in status


async def test_what_is_shown_first_is_true(opened: Opened, samples: Settings, truth: Truth) -> None:
    async with opened(samples) as sight:
        await sight.explained()
        await sight.predicted()
        lines = sight.lines()
        assert lines[0].split(" · ")[:4] == [" fer-tui", "samples", "350 images", "fer-res"]
        assert sight.browser.predictions.accuracy == (343, 350)
        assert "accuracy 98.0%" in lines[0] and "so far" not in lines[0]
        assert sight.browser.predictions.predicted.tolist() == truth.predicted.tolist()
        for row, line in enumerate(lines[2:38]):
            label, predicted = (truth.dataset.classes[int(n)] for n in (truth.labels[row], truth.predicted[row]))
            names = label if label == predicted else f"{label} → {predicted}"
            assert line[:30].startswith(f" {'✓' if label == predicted else '✗'} {row:>3} {names} ")
        np.testing.assert_allclose(
            sight.explanation.values, truth.heatmap(0, int(truth.predicted[0])).values, rtol=0, atol=1e-6
        )
        assert sight.answered.place.image == 0 and sight.answered.place.target == truth.predicted[0]
        assert seconds_of(sight.text("#status"))
        bars = sight.text("#scores").splitlines()
        assert [float(bar.split()[-2]) for bar in bars] == [round(float(score), 2) for score in truth.scores[0]]
        picture = sight.app.explore.query_one("#picture").picture
        expected = heat_picture(
            truth.heatmap(0, int(truth.predicted[0])), mode="overlay", opacity=0.5, colours="viridis"
        )
        assert np.abs(np.asarray(picture, int) - np.asarray(expected, int)).max() <= 1
        assert "Saliency of angry · overlay 50% · viridis" in sight.text("#caption")


async def test_moving(opened: Opened, samples: Settings, truth: Truth) -> None:
    async with opened(samples) as sight:
        await sight.predicted()
        for keys, row in (
            ("j", 1), ("5j", 6), ("k", 5), ("{down}", 6), ("{up}", 5), ("99k", 0), ("G", 349), ("3j", 349), ("gg", 0),
            ("12G", 12), ("0G", 0), ("348gg", 348), ("{home}", 0), ("{end}", 349), ("999G", 349), ("Z", 349),
            ("7{escape}j", 349), ("g{escape}j", 349), ("gg", 0), ("{pagedown}", 35), ("2{ctrl+d}", 105),
            ("{pageup}", 70),
        ):  # fmt: skip
            await sight.type(keys)
            assert (keys, sight.browser.row) == (keys, row)
            assert [line for line in sight.lines()[2:38] if line[3:].startswith(f"{row:>3} ")], (
                "the row is not in sight"
            )
            if keys == "999G":
                assert "images are 0 to 349" in sight.text("#status")
        await sight.type("gg4")
        assert sight.text("#status").rstrip().endswith("4")
        await sight.type("1g")
        assert sight.text("#status").rstrip().endswith("41g")
        await sight.type("{escape}")
        assert "41g" not in sight.text("#status")
        seen = []
        for _ in truth.mistakes:
            await sight.type("n")
            seen.append(sight.browser.row)
        assert seen == truth.mistakes
        await sight.type("n")
        assert "no mistake is listed after this image" in sight.text("#status")
        await sight.type("2N")
        assert sight.browser.row == truth.mistakes[-3]
        await sight.type("gg3n")
        assert sight.browser.row == truth.mistakes[2]
        await sight.explained()
        row = truth.mistakes[2]
        expected = truth.heatmap(row, int(truth.predicted[row]))
        np.testing.assert_allclose(sight.explanation.values, expected.values, rtol=0, atol=1e-6)


async def test_keys_go_where_the_key_before_them_leads(opened: Opened, samples: Settings, truth: Truth) -> None:
    async with opened(samples) as sight:
        await sight.predicted()
        third = truth.mistakes[2]
        for keys, stack, row, narrowing in (
            ("/wrong{enter}2j", [Explore], third, "wrong"),
            ("{escape}???q5jM{escape}{escape}", [Explore], third + 5, ""),
            ("gc?{escape}?", [ClassesScreen, Help], third + 5, ""),
            ("j{escape}jl{enter}gg", [Explore], None, "true:disgust pred:disgust hardest"),
            ("/{escape}gcqgc{escape}{escape}cjjj{enter}12G", [Explore], 12, ""),
        ):
            await sight.type(keys)
            assert [type(screen) for screen in sight.app.screen_stack[1:]] == stack
            assert sight.browser.narrowing == narrowing
            assert row is None or sight.browser.row == row
            if stack[0] is ClassesScreen:
                await sight.until(lambda: sight.app.desk.matrix.answered.final, "the matrix")
        assert sight.browser.target == 1 + 3


async def test_the_class_that_is_explained(opened: Opened, samples: Settings, truth: Truth) -> None:
    async with opened(samples) as sight:
        await sight.predicted()
        row = truth.mistakes[0]
        label, predicted = int(truth.labels[row]), int(truth.predicted[row])
        await sight.type(f"{row}G")
        for keys, target, told in (
            ("", predicted, ""),
            ("t", label, "explained: the true class"),
            ("t", predicted, "explained: the predicted class"),
            ("3c", 3, ""),
            ("9c", 3, "classes are 0 to 6"),
            ("0c", 0, ""),
            ("h", 6, ""),
            ("2l", 1, ""),
            ("c2", 2, ""),
            ("cj{enter}", 3, ""),
            ("c{escape}", 3, ""),
            ("cG{enter}", 6, ""),
            ("t", predicted, "explained: the predicted class"),
        ):
            await sight.type(keys)
            if told:
                assert told in sight.text("#status")
            await sight.explained()
            assert (keys, sight.answered.place.target) == (keys, target)
            expected = truth.heatmap(row, target)
            np.testing.assert_allclose(sight.explanation.values, expected.values, rtol=0, atol=1e-6)
            assert f"Saliency of {truth.dataset.classes[target]} · " in sight.text("#caption")
            (marked,) = [bar for bar in sight.text("#scores").splitlines() if bar.startswith("▸")]
            assert marked.split()[0] == f"▸{target}"


async def test_ways_to_look_at_it(opened: Opened, samples: Settings, truth: Truth) -> None:
    async with opened(samples) as sight:
        await sight.predicted()
        await sight.explained()
        expected = truth.heatmap(0, int(truth.predicted[0]))

        def shown() -> NDArray[np.int64]:
            return np.asarray(sight.app.explore.query_one("#picture").picture.convert("RGB"), int)

        def drawn(mode: str, opacity: float = 0.5, colours: str = "viridis") -> NDArray[np.int64]:
            return np.asarray(heat_picture(expected, mode=mode, opacity=opacity, colours=colours), int)  # type: ignore[arg-type]

        original = np.asarray(Image.fromarray(truth.dataset[0].image).convert("RGB"), int)
        seen = []
        for view in VIEWS:
            assert sight.app.desk.look.view == view
            wanted = original if view == "original" else drawn("original" if view == "input" else view)
            assert np.abs(shown() - wanted).max() <= 1, view
            seen.append(sight.text("#caption").splitlines()[0])
            await sight.type("o")
        assert [line.split(" · ")[1].split()[0] for line in seen] == [
            "overlay",
            "map",
            "focus",
            "outline",
            "original",
            "what",
        ]
        await sight.type("O2o")
        assert sight.app.desk.look.view == "map"
        await sight.type("O")
        for keys, opacity in (("+", 0.6), ("=", 0.7), ("2-", 0.5), ("9-", 0.0), ("3+", 0.3), ("9+", 1.0), ("5-", 0.5)):
            await sight.type(keys)
            assert f"overlay {opacity:.0%}" in sight.text("#caption")
            assert np.abs(shown() - drawn("overlay", opacity)).max() <= 1
        for step in range(1, len(COLOUR_MAPS) + 1):
            await sight.type("C")
            colours = COLOUR_MAPS[(COLOUR_MAPS.index("viridis") + step) % len(COLOUR_MAPS)]
            assert sight.text("#caption").splitlines()[0].endswith(colours)
            assert np.abs(shown() - drawn("overlay", colours=colours)).max() <= 1


async def test_narrowing(opened: Opened, samples: Settings, truth: Truth) -> None:
    async with opened(samples) as sight:
        await sight.predicted()
        await sight.type("20G/")
        assert sight.app.explore.query_one(NarrowBox).display
        await sight.type("tru")
        assert "'tru' is no term; did you mean true?" in sight.text() and "^^^" in sight.text()
        assert (sight.browser.count, sight.browser.row) == (350, 20)
        await sight.type("e:sad")
        sad = np.flatnonzero(truth.labels == 4).tolist()
        assert [sight.browser.row_at(p) for p in range(sight.browser.count)] == sad
        assert f" {len(sad)} images" in sight.text() and "50 of 350 images" in sight.lines()[0]
        assert sight.browser.row == min(sad, key=lambda row: abs(row - 20))
        await sight.type("{escape}")
        assert not sight.app.explore.query_one(NarrowBox).display
        assert (sight.browser.count, sight.browser.row, sight.browser.narrowing) == (350, 20, "")
        await sight.type("/wrong ptrue<.4{enter}")
        shares = np.exp(truth.scores) / np.exp(truth.scores).sum(1, keepdims=True)
        hard = [row for row in truth.mistakes if shares[row, truth.labels[row]] < 0.4]
        assert [sight.browser.row_at(p) for p in range(sight.browser.count)] == hard
        assert " /wrong ptrue<.4" in sight.lines()[1]
        await sight.type("j")
        row = sight.browser.row
        assert row in hard
        await sight.type("/ right{escape}")
        assert (sight.browser.narrowing, sight.browser.row) == ("wrong ptrue<.4", row)
        await sight.type("/ right{enter}")
        assert (sight.browser.count, sight.browser.row) == (0, None)
        assert "no image is listed: Esc lists all again" in sight.text() and "0 of 350 images" in sight.lines()[0]
        await sight.type("jkGt5c")
        await sight.type("{escape}")
        assert (sight.browser.count, sight.browser.narrowing) == (350, "")
        await sight.explained()


@pytest.mark.parametrize(("leave", "back"), [("?", "q"), ("gc", "ge")])
async def test_a_narrowing_is_up_to_date_after_something_else_was_on_the_screen(
    opened: Opened, samples: Settings, truth: Truth, leave: str, back: str
) -> None:
    async with opened(samples) as sight:
        await sight.until(lambda: sight.app.desk.browser is not None, "the list")
        os.kill(sight.app.compute.pid, signal.SIGSTOP)
        await sight.type("/wrong{enter}" + leave)
        os.kill(sight.app.compute.pid, signal.SIGCONT)
        assert not sight.browser.predictions.complete
        await sight.predicted()
        await sight.type(back)
        await sight.predicted()
        assert [sight.browser.row_at(p) for p in range(sight.browser.count)] == truth.mistakes
        assert f"{len(truth.mistakes)} of 350 images" in sight.lines()[0]
        assert sight.browser.row in truth.mistakes
        await sight.explained()
        assert sight.answered.place.image == sight.browser.row


async def test_the_classes_screen(opened: Opened, samples: Settings, truth: Truth) -> None:
    async with opened(samples) as sight:
        await sight.predicted()
        await sight.type("gc")
        screen = sight.app.screen
        assert isinstance(screen, ClassesScreen)
        matrix = sight.app.desk.matrix
        await sight.until(lambda: matrix.answered.final, "the matrix")
        counts = np.zeros((7, 7), int)
        np.add.at(counts, (truth.labels, truth.predicted), 1)
        assert isinstance(matrix.answered.explanation, Matrix)
        assert matrix.answered.explanation.counts.tolist() == counts.tolist()

        def cells() -> list[list[str]]:
            lines = [re.sub(r"[\[\]]", " ", line).split() for line in sight.lines()]
            return [words[1:] for words in lines if words and words[0] in truth.dataset.classes and words[-1].isdigit()]

        shares = [[f"{count / sum(row):.0%}" if count else "·" for count in row] for row in counts.tolist()]
        sums = [[f"{counts[n, n] / counts[n].sum():.0%}", str(counts[n].sum())] for n in range(7)]
        assert cells() == [[*row, *ends] for row, ends in zip(shares, sums, strict=True)]
        assert "share of each true class" in sight.text()
        await sight.type("r")
        assert cells() == [[*map(str, row), *ends] for row, ends in zip(counts.tolist(), sums, strict=True)]
        assert "counts" in sight.lines()[1]
        await sight.type("r")
        for keys, cursor in (
            ("j", (1, 0)), ("3l", (1, 3)), ("9l", (1, 6)), ("G", (6, 6)), ("h", (6, 5)), ("k", (5, 5)), ("gg", (0, 0)),
            ("2G", (2, 0)), ("99k", (0, 0)), ("{end}", (6, 0)), ("{home}", (0, 0)), ("Z", (0, 0)),
        ):  # fmt: skip
            await sight.type(keys)
            assert (keys, screen.table.cursor) == (keys, cursor)
        await sight.type("G{enter}")
        assert counts[6, 0] == 1 and isinstance(sight.app.screen, Explore)
        expected = np.flatnonzero((truth.labels == 6) & (truth.predicted == 0)).tolist()
        assert [sight.browser.row_at(p) for p in range(sight.browser.count)] == expected == [sight.browser.row]
        assert sight.browser.narrowing == "true:neutral pred:angry hardest"
        await sight.explained()
        assert sight.answered.place.image == expected[0]
        await sight.type("{escape}gc2l{enter}")
        empty = counts[6, 2] == 0
        assert empty and isinstance(sight.app.screen, ClassesScreen) and "no image is in this cell" in sight.text()
        for number in range(7):
            await sight.type(f"gg{number}G{number}l{{enter}}" if number else "gg{enter}")
            rows = {sight.browser.row_at(p) for p in range(sight.browser.count)}
            assert rows == set(np.flatnonzero((truth.labels == number) & (truth.predicted == number)).tolist())
            assert sight.browser.position == 0
            await sight.type("{escape}gc")
        await sight.type("q")
        assert isinstance(sight.app.screen, Explore)
        await sight.type("gc{escape}")
        assert isinstance(sight.app.screen, Explore)


async def test_the_command_makes_the_same_again(
    opened: Opened, samples: Settings, truth: Truth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    async with opened(samples) as sight:
        await sight.predicted()
        monkeypatch.setattr(sight.app, "copy_to_clipboard", copied.append)
        await sight.type("11Gt")
        await sight.explained()
        values, place = sight.explanation.values, sight.answered.place
        await sight.type("y")
        assert isinstance(sight.app.screen, Details)
        shown = sight.text()
        await sight.type("q")
        assert isinstance(sight.app.screen, Explore)
        await sight.type("gc")
        await sight.until(lambda: sight.app.desk.matrix.answered.final, "the matrix")
        counts = sight.app.desk.matrix.answered.explanation.counts
        await sight.type("yq")
    words = [shlex.split(line) for line in copied]
    assert [each[:3] for each in words] == [["fer-tui", "explain", "saliency"], ["fer-tui", "explain", "confusion"]]
    assert all(word in shown for word in words[0]), "the command is not shown whole"
    assert main([*words[0][1:], "--cache", "none", "--out", str(tmp_path / "e.npz")]) == 0
    with np.load(tmp_path / "e.npz") as saved:
        np.testing.assert_allclose(saved["values"], values, rtol=0, atol=1e-6)
    assert (place.image, place.target) == (11, truth.labels[11])
    assert main([*words[1][1:], "--out", str(tmp_path / "m.json")]) == 0
    assert json.loads((tmp_path / "m.json").read_text())["counts"] == counts.tolist()


async def test_help_and_hints(opened: Opened, samples: Settings) -> None:
    State.open().user.change(lambda values: values.update(steps=list(STEPS)))
    async with opened(samples, size=(160, 80)) as sight:
        for letter, keys in (("x", "?"), ("c", "gc?")):
            await sight.type(keys)
            assert isinstance(sight.app.screen, Help)
            words = " ".join(sight.app.screen.query_one(Page).text.split())  # its lines are wrapped
            for binding in bindings_of(letter):
                assert f"{' '.join(map(key_name, binding.keys))} {binding.help}" in words
            await sight.type("jjk")
            assert isinstance(sight.app.screen, Help)
            await sight.type("{escape}")
            assert letter == sight.app.screen.LETTER
            hints = sight.lines()[-1].split("  ")
            hinted = [f"{key_name(b.keys[0])} {b.hint}" for b in bindings_of(letter) if b.hint]
            assert sorted(hint.strip() for hint in hints if hint.strip()) == sorted(hinted)
        await sight.type("q?")
        await sight.type("q")
        assert isinstance(sight.app.screen, Explore)


@pytest.mark.parametrize("keys", ["q", "gcqq", "gc?{ctrl+c}", "/{ctrl+q}"])
async def test_ways_to_leave(opened: Opened, samples: Settings, keys: str) -> None:
    async with opened(samples) as sight:
        await sight.until(lambda: sight.app.desk.browser is not None, "the list")
        await sight.type(keys)
        await sight.until(lambda: sight.app._exit, "the end")
        assert (sight.app.return_value, sight.app.return_code) == (0, 0)


SIZES = ((20, 5), (30, 8), (79, 24), (80, 24), (119, 40), (120, 40), (200, 50))


@pytest.mark.parametrize("colour", [True, False])
async def test_sizes(
    opened: Opened, samples: Settings, truth: Truth, monkeypatch: pytest.MonkeyPatch, colour: bool
) -> None:
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    draw = random.Random(7)
    async with opened(samples, size=(80, 24)) as sight:
        await sight.predicted()
        row = 0
        for size in (*SIZES, *draw.choices(SIZES, k=2 if colour else 0)):
            await sight.pilot.resize_terminal(*size)
            assert sight.browser.row == row
            await check_size(sight, size, truth)
            await sight.type("7j")
            row += 7
            await check_size(sight, size, truth)
        if not colour:
            styles = [s.style for strip in sight.app.screen._compositor.render_strips() for s in strip if s.style]
            assert all(
                c is None or c.is_default or len(set(c.get_truecolor())) == 1 for s in styles for c in (s.color,)
            )
            assert "▀" not in sight.text() and re.search(r"[░▒▓█]{8}", sight.text())
            return
        await sight.type("gc")
        await sight.until(lambda: sight.app.desk.matrix.answered.final, "the matrix")
        for size in (*SIZES, (30, 8)):
            await sight.pilot.resize_terminal(*size)
            await sight.type("jl")
            lines = sight.lines()
            assert [len(line) for line in lines] == [size[0]] * size[1]
            assert size == (20, 5) or "[" in sight.text(), "the cell at the cursor is not in sight"
        await sight.type("q{tab}?")
        for size in ((20, 5), (30, 8), (200, 50)):
            await sight.pilot.resize_terminal(*size)
            await sight.pilot.pause()
            assert isinstance(sight.app.screen, Help) and (size == (20, 5) or "Move" in sight.text())
            await sight.type("{pagedown}{pageup}")
        await sight.type("q")
        assert sight.browser.row == row


async def check_size(sight: Any, size: tuple[int, int], truth: Truth) -> None:
    """The screen is full, and the row of the cursor is in sight wherever the size allows a list."""
    await sight.pilot.pause()
    lines = sight.lines()
    assert [len(line) for line in lines] == [size[0]] * size[1]
    if size == (20, 5):
        assert "too small" in lines[0] and "30 x 8 at least" in lines[1]
        return
    row = sight.browser.row
    name = truth.dataset.classes[int(truth.labels[row])]
    assert [line for line in lines if re.match(rf" [✓✗] {row:>3} {name}\b", line)], f"row {row} is not in sight"
    assert (f"{row}  true {name}" in "\n".join(lines)) == (size[0] >= 80)
    assert ("methods" in "\n".join(lines)) == (size[0] >= 120)


async def test_panes_of_narrow_terminals(opened: Opened, samples: Settings) -> None:
    async with opened(samples, size=(79, 24)) as sight:
        await sight.predicted()
        panes = (" ✓   0 angry ", "0  true angry ", "methods")
        for keys, pane in (("", 0), ("{tab}", 1), ("{tab}", 2), ("{tab}", 0), ("{shift+tab}", 2), ("{shift+tab}", 1)):
            await sight.type(keys)
            assert [shown in sight.text() for shown in panes] == [n == pane for n in range(3)]
        await sight.type("{tab}2j")
        assert (sight.browser.row, sight.browser.target) == (0, 2), "j at the classes moves the target"


async def test_the_mouse(opened: Opened, samples: Settings) -> None:
    async with opened(samples) as sight:
        await sight.explained()
        await sight.pilot.click("#list", offset=(5, 7))
        assert sight.browser.row == 7
        await sight.pilot.click("#scores", offset=(5, 2))
        await sight.explained()
        assert sight.answered.place.target == 2
        await sight.type("c")
        assert isinstance(sight.app.screen, Choice)
        await sight.pilot.click("#choices", offset=(5, 5))
        await sight.explained()
        assert isinstance(sight.app.screen, Explore) and sight.answered.place.target == 4
        await sight.type("/wr")
        await sight.pilot.click("#list", offset=(5, 0))
        await sight.type("{escape}gc")
        await sight.until(lambda: sight.app.desk.matrix.answered.final, "the matrix")
        table = sight.app.screen.query_one("#table")
        await sight.pilot.click("#table", offset=(30, 4))
        assert table.cursor == (1, 1)
        await sight.pilot.click("#table", offset=(30, 4))
        await sight.pilot.pause()
        assert isinstance(sight.app.screen, Explore)
        assert sight.browser.narrowing == "true:disgust pred:disgust hardest"


async def test_the_command_names_what_is_open(
    opened: Opened, project: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "of a user").mkdir()
    settings = project(("-minus", "two words", "1"), name="of a user/it's; $HOME.npz")
    settings = replace(settings, mean=(0.25,), std=(0.5,), equalise=True, limit=40, size=(12, 10), fit="pad")
    settings = replace(settings, classes=("-minus", "two words", "1"))
    copied: list[str] = []
    async with opened(settings) as sight:
        await sight.predicted()
        monkeypatch.setattr(sight.app, "copy_to_clipboard", copied.append)
        values = []
        for number in range(3):
            await sight.type(f"39G{number}c")
            await sight.explained()
            values.append(sight.explanation.values)
            await sight.type("yq")
    assert not np.array_equal(values[0], values[1])
    for number, line in enumerate(copied):
        out = tmp_path / f"{number}.npz"
        assert main([*shlex.split(line)[1:], "--out", str(out)]) == 0
        with np.load(out) as saved:
            np.testing.assert_allclose(saved["values"], values[number], rtol=0, atol=1e-6)


async def test_checkpoints(opened: Opened, project: Callable[..., Settings], tmp_path: Path) -> None:
    files = [str(tmp_path / f"epoch{number}.pt") for number in range(3)]
    for number, file in enumerate(files):
        torch.manual_seed(number)
        weights = {"features.0.weight": torch.randn(4, 1, 3, 3), "features.0.bias": torch.randn(4)}
        torch.save({**weights, "head.weight": torch.randn(3, 480), "head.bias": torch.randn(3)}, file)
    settings = replace(project(), weights=tuple(files))
    session = open_session(settings)
    classifier, dataset = session.classifier, session.dataset
    images = [dataset[row].image for row in range(len(dataset))]
    predicted = [classifier.at(number).predict(images).argmax(1).tolist() for number in range(3)]
    assert predicted[0] != predicted[1] != predicted[2]
    async with opened(settings) as sight:
        await sight.predicted()
        await sight.type("/true:cat{enter}j")
        row = sight.browser.row
        for keys, number in (("", 0), (".", 1), ("5.", 2), (",", 1), ("2,", 0)):
            await sight.type(keys)
            await sight.predicted()
            await sight.explained()
            assert f"checkpoint {number + 1}/3 epoch{number}" in sight.lines()[0]
            assert sight.browser.predictions.predicted.tolist() == predicted[number]
            place = sight.answered.place
            assert (place.image, place.checkpoint, place.target) == (row, number, predicted[number][row])
            assert sight.browser.narrowing == "true:cat"
        await sight.type("gc.")
        matrix = sight.app.desk.matrix
        await sight.until(lambda: matrix.answered.final and matrix.answered.place.checkpoint == 1, "the matrix")
        counts = np.zeros((3, 3), int)
        np.add.at(counts, (dataset.labels, predicted[1]), 1)
        assert matrix.answered.explanation.counts.tolist() == counts.tolist()
    async with opened(project()) as sight:
        await sight.type(".")
        assert "there is one checkpoint" in sight.text("#status")
