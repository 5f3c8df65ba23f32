"""The most similar images by a key: what is found is what the command finds, and Enter goes there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fer_tui.engine import open_session
from fer_tui.engine.settings import Settings
from fer_tui.engine.similar import Features
from fer_tui.tui.screens.explore import Explore
from fer_tui.tui.screens.resembling import SimilarPopup

Opened = Callable[..., AbstractAsyncContextManager[Any]]


async def test_similar_images(opened: Opened, samples: Settings) -> None:
    async with opened(samples) as sight:
        await sight.predicted()
        await sight.type("41Gs")
        assert isinstance(sight.app.screen, SimilarPopup)
        similar = sight.app.desk.similar
        await sight.until(lambda: similar.found is not None and not similar.is_working, "similar images")
        await sight.until(lambda: "distance" in sight.text(), "the images")
        found = similar.found
        assert f"▸ {found[0].row}" in sight.text() and f"{found[0].distance:.3f}" in sight.text()
        await sight.type("ll{enter}")
        assert isinstance(sight.app.screen, Explore) and sight.browser.row == found[2].row
        await sight.type("H")
        assert sight.browser.row == 41
        await sight.type("/row<41{enter}41Gs")
        await sight.until(lambda: similar.found is not None and similar.row == 40, "similar images")
        away = next(n for n, each in enumerate(similar.found) if each.row >= 41)
        await sight.type("l" * away + "{enter}")
        assert "is not listed" in sight.text("#status") and sight.browser.row == 40
        await sight.type("s{escape}")
        assert isinstance(sight.app.screen, Explore) and not similar.is_working
    with open_session(samples) as session:
        features = Features(session.engine())
        list(features.make())
        near = features.nearest(41, 8)
    assert [each.row for each in near] == [each.row for each in found]
