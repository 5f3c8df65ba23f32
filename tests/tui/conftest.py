"""The real explorer under Pilot, with its real compute process, and what is on its screen."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot

from fer_tui import plugins
from fer_tui.contract import Explanation
from fer_tui.engine import open_session
from fer_tui.engine.settings import Settings
from fer_tui.tui.app import Explorer
from fer_tui.tui.asking import Answered
from fer_tui.tui.browser import Browser
from fer_tui.tui.screens.base import DeskScreen
from fer_tui.tui.screens.explore import Explore
from fer_tui.tui.widgets.lines import Lines
from tests.tui.truth import Truth

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(7)
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU())
        self.head = nn.Linear(480, 3)

    def forward(self, x):
        return 9 * self.head(self.features(x - 0.5).flatten(1))
"""


class Sight:
    """An explorer that is running, and a user at it."""

    def __init__(self, app: Explorer, pilot: Pilot[int]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def browser(self) -> Browser:
        assert self.app.desk.browser is not None
        return self.app.desk.browser

    @property
    def answered(self) -> Answered:
        """What there is to show of the image."""
        return self.app.desk.image.answered

    @property
    def explanation(self) -> Explanation:
        assert self.answered.explanation is not None
        return self.answered.explanation

    def lines(self) -> list[str]:
        """The lines of the screen as they are drawn."""
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    def text(self, selector: str = "") -> str:
        """All that is drawn, or what one widget of the explorer's screen was told to show."""
        if not selector:
            return "\n".join(self.lines())
        screens = [screen for screen in self.app.screen_stack if isinstance(screen, DeskScreen)]
        return screens[-1].query_one(selector, Lines).text

    async def type(self, keys: str) -> None:
        """Press keys: the characters of a word, or Textual's name of a key in braces.

        They come as the terminal's driver sends them, one right after the other: Pilot.press would wait after each.
        """
        for name, character in re.findall(r"\{([\w+]+)\}|(.)", keys):
            event = Key(name, None) if name else Key(_character_to_key(character), character)
            event.set_sender(self.app)
            self.app.post_message(event)
        await self.settle()

    async def settle(self) -> None:
        """Wait until what was pressed is done and drawn."""
        await self.pilot._wait_for_screen()
        while not self.app._keys.empty():
            await asyncio.sleep(0.002)
        for _ in range(2):
            await self.pilot.pause(0.01)

    async def until(self, holds: Callable[[], object], what: str, seconds: float = 30) -> None:
        """Wait until something holds; the test fails where it does not come to that."""
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    if self.app._exit:
                        pytest.fail(f"{what}: the explorer has ended: {self.app.refusal}\n{self.app.desk.fault}")
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pytest.fail(f"{what}: not within {seconds:g} s\n{self.text()}")
        await self.settle()

    async def explained(self) -> None:
        """Wait for the finished explanation of the place where the user is."""
        await self.until(lambda: self.answered.final, "an explanation")

    async def predicted(self) -> None:
        """Wait for all predictions, and until they are drawn."""
        browser = lambda: self.app.desk.browser  # noqa: E731
        await self.until(lambda: browser() is not None and self.browser.predictions.complete, "all predictions")
        await self.until(lambda: not self.app.explore._waits, "the drawing of them")


@asynccontextmanager
async def seen(settings: Settings, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Sight]:
    """Open the explorer."""
    app = Explorer(settings)
    async with app.run_test(size=size) as pilot:
        sight = Sight(app, pilot)
        await sight.until(lambda: isinstance(app.screen, Explore), "the first screen")
        yield sight


@pytest.fixture(autouse=True)
def only_two_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the bundled explainers saliency and confusion alone are there: methods have the same numbers always."""
    others = [name for name in plugins.names() if name not in ("saliency", "confusion")]
    monkeypatch.setenv("FER_TUI_DISABLE_PLUGINS", ",".join(others))


@pytest.fixture(autouse=True)
def true_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same colours wherever the tests run."""
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture
def opened() -> Callable[..., object]:
    """Opens the explorer: `async with opened(settings) as sight`."""
    return seen


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The bundled samples; the tests of a session share the parsed data and the store."""
    return Settings(device="cpu", cache=str(tmp_path_factory.mktemp("samples")))


@pytest.fixture(scope="session")
def truth(samples: Settings) -> Truth:
    """What the network says of the samples, found once for all tests."""
    session = open_session(Settings(device="cpu", cache=samples.cache))
    classifier, dataset = session.classifier, session.dataset
    images = [dataset[row].image for row in range(len(dataset))]
    return Truth(classifier, dataset, np.asarray(classifier.scores(classifier.inputs(images)).detach().cpu()))


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Settings]:
    """Makes a small project: noise images of 12 x 10, a small seeded network, classes with any names."""

    def make(classes: Iterable[str] = ("bee", "cat", "dog"), count: int = 60, name: str = "noise.npz") -> Settings:
        rng = np.random.default_rng(3)
        names = tuple(classes)
        images, labels = rng.integers(0, 256, (count, 12, 10), dtype=np.uint8), rng.integers(0, 3, count)
        np.savez(tmp_path / name, images=images, labels=labels, class_names=np.array(names))
        (tmp_path / "net.py").write_text(NET)
        cache = str(tmp_path / "cache")
        return Settings(data=str(tmp_path / name), model=f"{tmp_path / 'net.py'}:Net", device="cpu", cache=cache)

    return make
