"""The explorer on the bundled samples: what its keys do, and that what it shows is true."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from fer_tui.engine import open_session
from fer_tui.engine.settings import Settings
from fer_tui.picture import COLOUR_MAPS, heat_picture
from fer_tui.tui.look import VIEWS
from tests.tui.truth import Truth

Opened = Callable[..., AbstractAsyncContextManager[Any]]


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


@pytest.mark.parametrize("keys", ["q", "gcqq", "gc?{ctrl+c}", "/{ctrl+q}"])
async def test_ways_to_leave(opened: Opened, samples: Settings, keys: str) -> None:
    async with opened(samples) as sight:
        await sight.until(lambda: sight.app.desk.browser is not None, "the list")
        await sight.type(keys)
        await sight.until(lambda: sight.app._exit, "the end")
        assert (sight.app.return_value, sight.app.return_code) == (0, 0)


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
