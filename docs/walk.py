"""Draws docs/walk.svg: the walk of docs/walk.md on the bundled samples, as it is taken by the keys named there.

python docs/walk.py
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any

from drawing import Frame, frame, svg
from textual.pilot import Pilot

from fer_tui.engine import Settings
from fer_tui.tui.app import Explorer
from fer_tui.tui.screens.explore import Explore

SIZE = (120, 34)
NARROWING = "true:surprise pred:fear"
STEPS = (  # keys, seconds to look at what they show, what is told
    (("slash", *NARROWING), 3.0, "/  list only the surprise that is taken for fear"),
    (("enter",), 2.5, "Enter  keeps the list"),
    (("t",), 3.0, "t  what speaks for the true class, surprise"),
    (("1", "m"), 3.0, "1m  by the first method, CAM"),
    (("asterisk",), 2.0, "*  mark all that are listed"),
    (("x",), 3.5, "x  the marked images by all methods"),
    (("d", "2"), 4.0, "d 2  by all classes"),
    (("g", "e", "e"), 2.5, "ge e  back, and export"),
    (("3",), 2.0, "3  each for the predicted and the true class"),
    (("enter",), 4.0, "Enter  pictures, arrays, numbers, and an index"),
)


async def settled(app: Explorer, pilot: Pilot[Any]) -> None:
    """Until nothing is on its way any more."""
    desk, quiet = app.desk, 0
    while quiet < 5:
        await pilot.pause(0.1)
        grid = desk.cells
        exporting = desk.exports.now is not None and not desk.exports.now.is_over
        quiet = 0 if desk.image.is_working or grid.is_working or exporting else quiet + 1


async def walk() -> list[Frame]:
    app = Explorer(Settings(device="cpu", cache=tempfile.mkdtemp()))
    async with app.run_test(size=SIZE) as pilot:
        while not isinstance(app.screen, Explore):
            await pilot.pause(0.1)
        while app.desk.browser is None or not app.desk.browser.predictions.complete:
            await pilot.pause(0.1)
        await settled(app, pilot)
        frames = [frame(app, 2.5, "fer-tui  opens the samples")]
        for keys, seconds, told in STEPS:
            await pilot.press(*keys)
            await settled(app, pilot)
            frames.append(frame(app, seconds, told))
    return frames


if __name__ == "__main__":
    os.environ |= {"COLORTERM": "truecolor", "FER_TUI_STATE": "none", "TEXTUAL_ANIMATIONS": "none"}
    target = Path(__file__).with_name("walk.svg").absolute()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # the export is written there
        target.write_text(svg(asyncio.run(walk())), "utf-8")
