"""What painters send, decoded as terminals do, is the picture."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from terminal_model import Terminal, difference, recorded
from terminal_model.kitty import PLACEHOLDER, diacritics

from fer_tui.terminal import kitty, sixel
from fer_tui.terminal.painters import KittyPainter, Painter, SixelPainter
from fer_tui.terminal.quality import Grade, Quality
from fer_tui.terminal.quantising import drawable, levels_of, with_palette

Pixels = NDArray[np.uint8]
CELL = (8, 17)
BACKGROUND = (10, 20, 30)


def noise(height: int, width: int, colours: int = 0, seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    if colours:
        return Image.fromarray(rng.integers(0, 256, (colours, 3), np.uint8)[rng.integers(0, colours, (height, width))])
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def blobs(size: int = 48) -> Image.Image:
    """A heat map on a face, more or less: smooth, in many colours."""
    y, x = np.mgrid[0:size, 0:size] / size
    heat, gray = np.exp(-((x - 0.4) ** 2 + (y - 0.5) ** 2) * 20), 128 + 80 * np.sin(7 * x) * np.cos(5 * y)
    pixels = np.stack([gray * (1 - heat) + 255 * heat * part for part in (x, 1 - x, y)], -1)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def enlarged(picture: Image.Image, width: int, height: int) -> Pixels:
    pixels = np.asarray(picture.convert("RGB"))
    rows, columns = np.arange(height) * len(pixels) // height, np.arange(width) * pixels.shape[1] // width
    return pixels[rows[:, None], columns]


def seen(painter: Painter, picture: Image.Image, columns: int, rows: int) -> tuple[Terminal, Pixels]:
    """A terminal that was sent a picture and its cells, and what it shows of the widget."""
    name = "kitty" if isinstance(painter, KittyPainter) else "foot"
    terminal = Terminal(recorded(name), columns + 2, rows + 2)
    box = painter.box(picture.size, columns, rows)
    for row in range(box.rows):
        terminal.feed(f"\x1b[{row + box.top + 1};{box.left + 1}H{painter.cells(row, 0, box.columns)}\x1b[m".encode())
    terminal.feed(f"\x1b[{box.top + 1};{box.left + 1}H".encode())
    terminal.feed(painter.picture(picture, box, BACKGROUND, None).encode())
    assert not terminal.pending
    return terminal, terminal.pixels(box.left, box.top, box.columns, box.rows)


@pytest.mark.parametrize("seed", range(12))
def test_sixels_are_the_enlarged_picture(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width, colours = (int(n) for n in rng.integers(1, (40, 40, 60)))
    picture = with_palette(noise(height, width, colours, seed), 256)
    wide, high = width + int(rng.integers(0, 200)), 6 * (height // 6 + int(rng.integers(1, 20)))
    text = sixel.encoded(picture, wide, high, BACKGROUND)
    terminal = Terminal(recorded("foot"), 200, 60)
    terminal.feed(text.encode())
    (drawn,) = terminal.sixel_pictures
    assert drawn.pixels.shape == (high, wide, 4) and (drawn.pixels[..., 3] == 255).all()
    assert (
        np.abs(drawn.pixels[..., :3].astype(int) - enlarged(picture, wide, high)).max() <= 2
    )  # registers are per cent


def test_sixels_leave_the_line_below_alone() -> None:
    painter = SixelPainter(CELL, 256, (0, 0))
    for columns, rows in ((40, 20), (41, 7), (3, 1), (13, 30)):
        for size in ((48, 48), (200, 31), (9, 300)):
            picture = noise(size[1], size[0], 20)
            terminal, _ = seen(painter, picture, columns, rows)
            drawn = terminal.sixel_pictures[-1].pixels
            assert len(drawn) % 6 == 0 and len(drawn) <= rows * CELL[1] and drawn.shape[1] <= columns * CELL[0]
            assert terminal.screen.row < rows


def test_a_heat_map_is_the_same_to_the_eye() -> None:
    picture = blobs()
    for painter, limit in (
        (KittyPainter(kitty.Slot(0, wrapped=False), CELL), 4),
        (SixelPainter(CELL, 256, (0, 0)), 8),
    ):
        _, shown = seen(painter, picture, 40, 20)
        width, height = (320, 318) if isinstance(painter, SixelPainter) else (320, 320)
        top = (len(shown) - height) // 2 if isinstance(painter, KittyPainter) else 0
        small = shown[top : top + height, :width].reshape(height // 2, 2, width // 2, 2, 3).mean((1, 3))
        meant = np.asarray(picture.resize((width // 2, height // 2), Image.Resampling.NEAREST))
        assert difference(small.astype(np.uint8), meant) < limit


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "I;16", "F", "CMYK"])
def test_pictures_of_every_mode(mode: str) -> None:
    picture = drawable(Image.new(mode, (9, 8)))
    assert picture.mode in ("L", "RGB") and picture.size == (9, 8)
    assert drawable(np.zeros((8, 9), np.uint8)).mode == "L"
    assert drawable(np.zeros((8, 9, 3), np.uint8)).mode == "L", "gray, though it has three channels"


@pytest.mark.parametrize("colours", [2, 16, 64, 256])
def test_a_palette_is_exact_where_it_can_be(colours: int) -> None:
    for picture in (noise(30, 20, colours), Image.fromarray(np.arange(colours, dtype=np.uint8).repeat(9)[None])):
        numbers, palette = levels_of(with_palette(picture, colours))
        assert len(palette) <= colours
        np.testing.assert_array_equal(palette[numbers], np.asarray(picture.convert("RGB")))


def test_too_many_colours_become_the_nearest_few() -> None:
    gray = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    for colours in (2, 8, 64):
        numbers, palette = levels_of(with_palette(gray, colours))
        assert len(palette) == colours
        assert np.abs(palette[numbers][..., 0].astype(int) - np.asarray(gray)).max() <= 128 / (colours - 1) + 1
    numbers, palette = levels_of(with_palette(blobs(), 64))
    assert len(palette) <= 64
    assert np.abs(palette[numbers].astype(int) - np.asarray(blobs())).mean() < 6


def test_each_placeholder_names_its_own_place() -> None:
    slot = kitty.Slot(3, wrapped=False)
    assert 16 <= slot.id <= 255
    numbers = {mark: n for mark, n in diacritics().items() if n < 100}
    text = slot.cells(5, 2, 40)
    assert f"\x1b[38;5;{slot.id}m" in text
    cells = re.findall(f"{PLACEHOLDER}(.)(.)", text)
    assert [(numbers[row], numbers[column]) for row, column in cells] == [(5, column) for column in range(2, 40)]
    assert len(kitty._DIACRITICS) == kitty.MOST_CELLS == len(set(kitty._DIACRITICS))


def test_slots_of_one_process_differ() -> None:
    assert len({kitty.Slot(n, wrapped=False).id for n in range(8)}) == 8


def test_a_picture_of_kitty_is_sent_whole_and_freed() -> None:
    painter = KittyPainter(kitty.Slot(0, wrapped=False), CELL)
    terminal, _ = seen(painter, noise(150, 150), 40, 20)
    pictures = terminal.screen.kitty
    assert pictures.faults == [] and pictures.sent == 1 and len(pictures.stored) == 1
    terminal.feed(painter.picture(noise(50, 50, seed=3), painter.box((50, 50), 40, 20), BACKGROUND, None).encode())
    assert pictures.sent == 2 and len(pictures.stored) == 1, "the same slot holds the next picture"
    terminal.feed(painter.free().encode())
    assert terminal.memory == 0 and pictures.faults == []


def test_through_tmux_the_same_arrives() -> None:
    painter = KittyPainter(kitty.Slot(0, wrapped=True), CELL)
    box = painter.box((48, 48), 40, 20)
    terminal = Terminal(recorded("kitty-tmux-3.3a"), 60, 30)
    terminal.feed(painter.picture(blobs(), box, BACKGROUND, None).encode())
    assert terminal.lost == [] and len(terminal.screen.kitty.stored) == 1 and terminal.screen.kitty.faults == []
    terminal.feed(painter.free().encode())
    assert terminal.memory == 0


def test_bytes_of_a_heat_map_and_of_a_sheet() -> None:
    sheet = drawable(noise(160, 160).convert("L").resize((160, 160), Image.Resampling.BICUBIC))
    for painter, heat, many in (
        (KittyPainter(kitty.Slot(0, wrapped=False), CELL), 7_000, 26_000),
        (SixelPainter(CELL, 256, (0, 0)), 20_000, 65_000),
    ):
        assert len(painter.picture(blobs(), painter.box((48, 48), 40, 20), BACKGROUND, None)) <= heat
        assert len(painter.picture(sheet, painter.box((160, 160), 64, 32), BACKGROUND, None)) <= many


def test_a_slow_link_gets_less_and_a_fast_one_all() -> None:
    quality = Quality((Grade(64), Grade(16), Grade(16, 0.5), Grade(16, 0.25)), {"L": 1000})
    sizes = {Grade(64): 900, Grade(16): 500, Grade(16, 0.5): 150, Grade(16, 0.25): 60}

    def encode(grade: Grade) -> str:
        return "x" * sizes[grade]

    assert len(quality.encoded(encode, "L", None)) == 900 and quality.words == ""
    assert len(quality.encoded(encode, "L", 1200)) == 150  # 180 bytes in a moment
    assert quality.words == "slow link: 16 colours, 1/2 of the size"
    assert len(quality.encoded(encode, "L", 10)) == 60, "the least there is"
    for _ in range(4):
        last = quality.encoded(encode, "L", 1e9)
    assert len(last) == 900 and quality.words == ""


def test_grades_make_smaller_pictures() -> None:
    assert Grade(16, 0.5).of(noise(31, 20)).size == (10, 16)
    assert Grade(16).of(noise(31, 20)).size == (20, 31)


CELLS = """
import sys, time
from fer_tui.terminal.kitty import Slot
slot = Slot(0, wrapped=True)
sys.stdout.write("\\x1b[?7l\\x1b[2J" + "".join(f"\\x1b[{n + 1};1H{slot.cells(n, 0, 100)}\\x1b[m" for n in range(3)))
sys.stdout.flush()
time.sleep(60)
"""


def test_tmux_keeps_the_last_cell_of_a_line(tmp_path: Path) -> None:
    """Without wrapping it would give that cell's marks to the one before it."""
    if shutil.which("tmux") is None:
        pytest.skip("no tmux here")
    env = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
    tmux = ["tmux", "-u", "-S", str(tmp_path / "socket"), "-f", "/dev/null"]
    inner = shlex.join([sys.executable, "-c", CELLS])
    try:
        subprocess.run([*tmux, "new-session", "-d", "-x", "100", "-y", "9", inner], env=env, check=True)
        end, lines = time.monotonic() + 20, [""]
        while PLACEHOLDER not in lines[min(2, len(lines) - 1)] and time.monotonic() < end:
            time.sleep(0.05)
            shown = subprocess.run([*tmux, "capture-pane", "-p"], env=env, check=True, capture_output=True)
            lines = shown.stdout.decode().split("\n")
    finally:
        subprocess.run([*tmux, "kill-server"], env=env, check=False, capture_output=True)
    for n in range(3):
        marks = [(kitty._DIACRITICS[n] + kitty._DIACRITICS[column]) for column in range(100)]
        assert lines[n].split(PLACEHOLDER)[1:] == marks
