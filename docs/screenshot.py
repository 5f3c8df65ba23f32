"""Draws the pictures of the docs on the bundled samples: the screens, the doctor, a page of the report, a contrast.

python docs/screenshot.py [screens] [doctor] [report] [contrast]

Each screen's SVG has the dark and the light theme; the reader's page chooses. The report is seen by headless chromium.
"""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from drawing import Frame, frame, svg
from PIL import Image
from rich.console import Console
from rich.text import Text
from textual.pilot import Pilot
from walk import settled

from fer_tui.cli.main import main as fer_tui
from fer_tui.engine import Settings
from fer_tui.tui.app import Explorer
from fer_tui.tui.screens.explore import Explore

DOCS = Path(__file__).parent.absolute()
SIZE = (124, 36)
DOCTOR = 100  # columns
SCREENS = (  # file, the keys that lead there from the screen before
    ("explorer", ("n",)),  # the first mistake: surprise, taken for fear
    ("classes", ("g", "c", *"jjjjj", *"ll")),  # to the cell of that mistake
    ("grid", ("g", "r")),
    ("filters", ("g", "f")),
)


async def screens() -> None:
    app = Explorer(Settings(device="cpu", cache=tempfile.mkdtemp()))
    async with app.run_test(size=SIZE) as pilot:
        while not isinstance(app.screen, Explore):
            await pilot.pause(0.1)
        while app.desk.browser is None or not app.desk.browser.predictions.complete:
            await pilot.pause(0.1)
        for name, keys in SCREENS:
            await pilot.press(*keys)
            await pilot.pause(1)
            await settled(app, pilot)
            seen = [await worn(app, pilot, theme) for theme in ("dark", "light")]
            app.wear("dark")
            (DOCS / f"{name}.svg").write_text(svg(seen[:1], seen[1]), "utf-8")


async def worn(app: Explorer, pilot: Pilot[Any], theme: str) -> Frame:
    """The screen in a theme, when nothing is on its way and no filter climbs any more."""
    app.wear(theme)
    while True:
        await pilot.pause(1)
        await settled(app, pilot)
        seen = frame(app)
        if not any("climbing" in segment.text for line in seen.lines for segment in line):
            return seen


async def doctor() -> None:
    """What it says in a terminal of its own; where things lie here is no matter of the reader's."""
    command = f"stty cols {DOCTOR} rows 40; {sys.executable} -m fer_tui doctor --cache none"
    told = subprocess.run(["script", "-qec", command, "/dev/null"], capture_output=True, check=True).stdout.decode()
    console = Console(width=DOCTOR, color_system="truecolor", force_terminal=True)
    read = [Text.from_ansi(line.replace(sys.prefix, ".venv")) for line in told.splitlines()]
    lines = [line for line in read if line.plain.startswith(("ok ", "FAULT ", "   "))]  # not what it asked the terminal
    drawn = [line for each in lines for line in console.render_lines(each, console.options, pad=True)]
    (DOCS / "doctor.svg").write_text(svg([Frame(drawn)]), "utf-8")


async def report() -> None:
    """The top of the page, as chromium shows it."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("the report is drawn by chromium, and there is none on the path")
    with tempfile.TemporaryDirectory() as folder:
        if fer_tui(["report", "-o", f"{folder}/report", "--cache", f"{folder}/cache", "--device", "cpu"]):
            sys.exit("the report was not made")
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1000,1250"]
        target = [
            "--virtual-time-budget=2000",
            f"--screenshot={folder}/page.png",
            f"file://{folder}/report/report.html",
        ]
        subprocess.run([chromium, *flags, f"--user-data-dir={folder}/chromium", *target], check=True, timeout=120)
        packed = io.BytesIO()
        Image.open(f"{folder}/page.png").convert("RGB").quantize(128).save(packed, "PNG", optimize=True)
        (DOCS / "report-page.png").write_bytes(packed.getvalue())


async def contrast() -> None:
    what = ["explain", "occlusion", "--image", "54", "--target", "fear", "--against", "surprise"]
    if fer_tui([*what, "--regions", "samples", "--cache", "none", "--out", str(DOCS / "contrast.png")]):
        sys.exit("the contrast was not made")


ALL: dict[str, Callable[[], Awaitable[None]]] = {
    "screens": screens, "doctor": doctor, "report": report, "contrast": contrast,
}  # fmt: skip

if __name__ == "__main__":
    os.environ |= {"COLORTERM": "truecolor", "FER_TUI_STATE": "none", "TEXTUAL_ANIMATIONS": "none"}
    with tempfile.TemporaryDirectory() as empty:
        os.chdir(empty)  # no fer-tui.toml
        for each in sys.argv[1:] or ALL:
            asyncio.run(ALL[each]())
