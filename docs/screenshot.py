"""Draws docs/explorer.svg: the explorer on the bundled samples.

python docs/screenshot.py
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from drawing import frame, svg

from fer_tui.engine import Settings
from fer_tui.tui.app import Explorer
from fer_tui.tui.screens.explore import Explore

SIZE = (124, 36)
KEYS = ("n",)  # to the first mistake: surprise, taken for fear


async def draw(file: Path) -> None:
    with tempfile.TemporaryDirectory() as cache:
        app = Explorer(Settings(device="cpu", cache=cache))
        async with app.run_test(size=SIZE) as pilot:
            while not isinstance(app.screen, Explore):
                await pilot.pause(0.1)
            while app.desk.browser is None or not app.desk.browser.predictions.complete:
                await pilot.pause(0.1)
            await pilot.press(*KEYS)
            while app.desk.image.answered.explanation is None:
                await pilot.pause(0.1)
            await pilot.pause(0.5)
            file.write_text(svg([frame(app)]), "utf-8")


if __name__ == "__main__":
    os.environ |= {"COLORTERM": "truecolor", "FER_TUI_STATE": "none"}
    asyncio.run(draw(Path(__file__).with_name("explorer.svg")))
