"""Focus in the explorer: a line under the picture, a column beside recall, the rules of the focus view; and aliases."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

import fer_tui_samples
from fer_tui.contract import Heatmap, Matrix
from fer_tui.engine import open_session
from fer_tui.engine.focusing import Choice, focus_table
from fer_tui.engine.settings import Settings
from fer_tui.picture import heat_picture
from fer_tui.regions import focus, named_regions
from fer_tui.terminal import Picture
from fer_tui.tui.screens.classes import ClassesScreen
from fer_tui.tui.screens.explore import Explore

Opened = Callable[..., object]


async def test_the_line_under_the_picture_and_the_rules_of_the_focus_view(opened: Opened, samples: Settings) -> None:
    async with opened(samples) as sight:  # type: ignore[attr-defined]
        for keys in ("", "j", "5j"):
            await sight.type(keys)
            await sight.explained()
            assert isinstance(sight.explanation, Heatmap)
            expected = focus(sight.explanation, "samples", row=sight.browser.row)
            lines = sight.text("#caption").splitlines()
            assert lines[1].startswith(f"face {expected.inside_share:.0%} ×")
            assert lines[1] == expected.brief(len(lines[1]))
        heatmap = sight.explanation
        for words, look in (
            ("highest 20%", {"focus": 0.8}),
            ("highest 10%", {"focus": 0.9}),
            ("above mean + 1σ", {"focus": 1, "focus_by": "sigma"}),
            ("above mean + 2σ", {"focus": 2, "focus_by": "sigma"}),
            ("highest 20%", {"focus": 0.8}),
        ):
            await sight.type("F")
            assert sight.text("#caption").splitlines()[0].endswith(f"focus · {words}")
            shown = sight.app.screen.query_one(Picture)._picture
            assert isinstance(shown, Image.Image)
            assert (np.asarray(shown) == np.asarray(heat_picture(heatmap, mode="focus", **look))).all()  # type: ignore[arg-type]


async def test_aligned_faces_of_ones_own_have_the_layout_and_other_pictures_none(
    opened: Opened, samples: Settings, project: Callable[..., Settings], tmp_path: pytest.TempPathFactory
) -> None:
    with np.load(fer_tui_samples.faces_path()) as stored:
        names = np.array(["Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral"])
        np.savez(f"{tmp_path}/own.npz", images=stored["images"][:14], labels=stored["labels"][:14], class_names=names)
    settings = Settings(data=f"{tmp_path}/own.npz", device="cpu", cache=samples.cache)
    async with opened(settings) as sight:  # type: ignore[attr-defined]
        await sight.explained()
        assert isinstance(sight.explanation, Heatmap)
        line = sight.text("#caption").splitlines()[1]
        assert line == focus(sight.explanation, "layout").brief(len(line)) != ""
    async with opened(project()) as sight:  # type: ignore[attr-defined]
        await sight.explained()
        assert "outside" not in sight.text("#caption") and "face" not in sight.text("#caption")
        await sight.predicted()
        await sight.type("gcf")
        assert "no regions are known of these pictures" in sight.text("#status")
        assert not sight.app.desk.focus.is_working


async def test_focus_by_class_beside_recall(opened: Opened, samples: Settings) -> None:
    async with opened(samples) as sight:  # type: ignore[attr-defined]
        await sight.predicted()
        await sight.type("gc")
        desk = sight.app.desk
        await sight.until(lambda: isinstance(desk.matrix.answered.explanation, Matrix), "the matrix")
        assert "in face" not in sight.text()
        await sight.type("3f")
        await sight.until(lambda: desk.focus.progress == 1 and not desk.focus.is_working, "the focus")
        with open_session(samples) as session:
            *_, (_, expected) = focus_table(session.engine(), "saliency", named_regions("samples"), Choice(per_class=3))
        assert expected is not None and desk.focus.table == expected
        rows = [line.split() for line in sight.lines() if line.split() and line.split()[0] in sight.browser.classes]
        shares = [f"{each.every.inside.absolute.value:.0%}" for each in expected.classes if each.every]
        assert [row[-1] for row in rows[1:8]] == shares and [row[-3:-1] for row in rows[1:3]] == [
            ["100%", "50"],
            ["100%", "50"],
        ]
        words = sight.text("#table-words")
        assert "angry, inside the face " in words and "of 3 images: eyes " in words
        assert "Saliency: rank correlation of recall with the share inside the face, over 7 classes:" in words
        await sight.type("2j")
        assert "fear, inside the face " in sight.text("#table-words")

        await sight.type("gep")  # another variant is another map: its focus is not known yet
        desk.choice.set_parameter(desk.choice.method, desk.choice.method.parameters[0], "ig")
        await sight.type("{escape}gc")
        assert isinstance(sight.app.screen, ClassesScreen) and "in face" not in sight.text()


async def test_measuring_can_be_stopped_and_ends_when_the_screen_is_left(opened: Opened, samples: Settings) -> None:
    async with opened(samples) as sight:  # type: ignore[attr-defined]
        await sight.predicted()
        desk = sight.app.desk
        desk.choice.set_parameter(desk.choice.method, desk.choice.method.parameters[0], "smoothgrad")
        for leave in ("{escape}", "ge"):
            await sight.type("gc")
            await sight.until(lambda: desk.matrix.answered.final, "the matrix")
            await sight.type("50f")
            await sight.until(lambda: desk.focus.table is not None, "the first table")
            assert "measuring the focus" in sight.text("#status") and "Esc stops" in sight.text("#status")
            await sight.type(leave)
            assert not desk.focus.is_working and 0 < desk.focus.progress < 1
            assert isinstance(sight.app.screen, ClassesScreen if leave == "{escape}" else Explore)
            if leave == "{escape}":
                assert "in face" in sight.text()  # what there is stays
                await sight.type("{escape}")


async def test_methods_by_their_names_in_the_literature(opened: Opened, samples: Settings) -> None:
    async with opened(samples) as sight:  # type: ignore[attr-defined]
        await sight.explained()
        await sight.type("M")
        listed = sight.text()
        assert "integrated-gradients" in listed and "smoothgrad-squared" in listed and "deconvnet" in listed
        await sight.type("jjj{enter}")  # after Saliency itself: gradient, input-x-gradient, integrated-gradients
        assert sight.app.desk.choice.parameters(sight.app.desk.choice.method)["variant"] == "integrated"
        await sight.explained()
        assert sight.explanation.meta["parameters"]["variant"] == "integrated"
        await sight.type("y")
        assert "fer-tui explain saliency --image 0 --target angry -p variant=integrated" in " ".join(
            sight.app._clipboard.split()
        )
