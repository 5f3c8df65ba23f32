"""Half cells: what a terminal shows of a picture, read back from its escape sequences, is the scaled picture."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from rich.color import Color
from rich.console import Console
from rich.style import Style
from textual.strip import Strip

from fer_tui.terminal.cells import CellStrip, fitted_size, lines_of, scaled

Pixels = NDArray[np.uint8]
AROUND = Style(bgcolor=Color.from_rgb(1, 2, 3))


def console(system: str = "truecolor") -> Console:
    return Console(file=io.StringIO(), color_system=system, force_terminal=True, width=500)  # type: ignore[arg-type]


def noise(height: int, width: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def read(text: str) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """What a terminal makes of a line: for each cell its upper and its lower colour."""
    ink = paper = (0, 0, 0)
    cells: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    for codes, characters in re.findall(r"\x1b\[([\d;]*)m|([^\x1b]+)", text):
        if characters:
            assert set(characters) <= {"▀", " "}
            cells += [(ink if character == "▀" else paper, paper) for character in characters]
        numbers = [int(number) for number in codes.split(";")] if codes else []
        while numbers:
            match numbers:
                case [38, 2, r, g, b, *numbers]:
                    ink = (r, g, b)
                case [48, 2, r, g, b, *numbers]:
                    paper = (r, g, b)
                case [38, 5, number, *numbers]:
                    ink = tuple(Color.from_ansi(number).get_truecolor())
                case [48, 5, number, *numbers]:
                    paper = tuple(Color.from_ansi(number).get_truecolor())
                case [0, *numbers]:
                    ink = paper = (0, 0, 0)
                case _:
                    pytest.fail(f"{codes} is no colour")
    return cells


def pixels_of(lines: list[Strip], terminal: Console) -> Pixels:
    """The pixels that a terminal shows: two a cell."""
    rows = [row for line in lines for row in zip(*read(line.render(terminal)), strict=True)]
    return np.array(rows, np.uint8)


@pytest.mark.parametrize("seed", range(20))
def test_cells_show_the_pixels_and_nothing_beside_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns, rows = (int(rng.integers(1, high)) for high in (40, 20))
    width, height = int(rng.integers(1, columns + 1)), int(rng.integers(1, rows + 1))
    pixels = noise(2 * height, width, seed)
    if seed % 2:
        pixels //= 128  # few colours: runs of equal cells, and cells of one colour
    lines = lines_of(pixels, columns, rows, AROUND)
    assert [line.cell_length for line in lines] == [columns] * rows
    shown = pixels_of(lines, console())
    left, above = (columns - width) // 2, 2 * ((rows - height) // 2)
    expected = np.tile(np.array([1, 2, 3], np.uint8), (2 * rows, columns, 1))
    expected[above : above + 2 * height, left : left + width] = pixels
    np.testing.assert_array_equal(shown, expected)


def test_segments_say_the_same_as_the_escape_sequences() -> None:
    for pixels in (noise(8, 11), noise(8, 11) // 200, np.zeros((8, 11, 3), np.uint8)):
        for line in lines_of(pixels, 15, 4, AROUND):
            plain = Strip(list(line), line.cell_length)
            assert line.text == plain.text and len(line.text) == 15
            terminal = console()
            assert read(line.render(terminal)) == read(plain.render(terminal))
            assert read(line.crop(3, 9).render(terminal)) == read(plain.render(terminal))[3:9]


def test_a_smaller_picture_is_the_average_of_its_pixels() -> None:
    pixels = noise(96, 64)
    small = scaled(Image.fromarray(pixels), 16, 12)
    averages = pixels.reshape(24, 4, 16, 4, 3).mean((1, 3))
    assert small.shape == (24, 16, 3)
    assert np.abs(small - averages).max() <= 1  # Pillow rounds once along each axis


def test_a_picture_of_any_size_is_what_pillow_averages() -> None:
    picture = Image.fromarray(noise(301, 173))
    small = scaled(picture, 40, 20)
    expected = np.asarray(picture.resize((small.shape[1], small.shape[0]), Image.Resampling.BOX))
    np.testing.assert_array_equal(small, expected)


def test_a_picture_that_fits_several_times_has_square_pixels() -> None:
    pixels = noise(12, 10)
    large = scaled(Image.fromarray(pixels), 31, 50)
    np.testing.assert_array_equal(large, pixels.repeat(3, 0).repeat(3, 1))
    assert scaled(Image.fromarray(pixels), 10, 6).tolist() == pixels.tolist()


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "I;16"])
def test_pictures_of_every_mode(mode: str) -> None:
    picture = Image.new(mode, (9, 8))
    assert scaled(picture, 9, 4).shape == (8, 9, 3)


def test_a_picture_is_never_larger_than_its_room_nor_bent() -> None:
    rng = np.random.default_rng(1)
    for _ in range(2000):
        width, height, columns, rows = (int(n) for n in rng.integers(1, (900, 900, 250, 90)))
        w, h = fitted_size(width, height, columns, rows)
        assert 1 <= w <= columns and 2 <= h <= 2 * rows and h % 2 == 0
        assert abs(w / width - h / height) <= 1 / width + 2 / height
        assert w >= 0.88 * columns - 1 or h >= 0.88 * 2 * rows - 2


def test_a_terminal_of_256_colours_gets_the_nearest_ones() -> None:
    pixels = noise(2, 300)
    (line,) = lines_of(pixels, 300, 1, Style())
    text = line.render(console("256"))
    assert not re.search(r"[34]8;2;", text)
    shown = np.array(read(text), int).swapaxes(0, 1)
    palette = np.array([Color.from_ansi(number).get_truecolor() for number in range(16, 256)])
    least = np.linalg.norm(palette - pixels[:, :, None].astype(int), axis=-1).min(-1)
    assert (np.linalg.norm(shown - pixels, axis=-1) <= least + 16).all()


def test_a_terminal_of_16_colours_gets_only_those() -> None:
    (line,) = lines_of(noise(2, 60), 60, 1, Style())
    found = re.findall(r"\x1b\[([\d;]*)m", line.render(console("standard")))
    codes = {int(code) for part in found for code in part.split(";")}
    assert len(codes) > 8
    assert codes <= {0, *range(30, 38), *range(40, 48), *range(90, 98), *range(100, 108)}


def test_without_colour_brighter_is_denser() -> None:
    ramp = np.repeat(np.linspace(0, 255, 40).astype(np.uint8)[None, :, None], 3, 2).repeat(2, 0)
    (line,) = lines_of(ramp, 44, 1, Style(), colour=False)
    assert len(line.text) == line.cell_length == 44 and line.text[:2] == line.text[-2:] == "  "
    levels = [" .:-=+*#%@".index(character) for character in line.text[2:-2]]
    assert levels == sorted(levels) and (levels[0], levels[-1]) == (0, 9)
    assert "\x1b" not in line.render(console())


def test_lines_know_whether_they_show_the_same() -> None:
    def strip(seed: int = 0, left: int = 1, around: Style = AROUND) -> CellStrip:
        return CellStrip(*noise(2, 5, seed), (left, 1), around)

    assert strip().same_as(strip())
    assert not strip().same_as(strip(seed=1))
    assert not strip().same_as(strip(left=2))
    assert not strip().same_as(strip(around=Style()))
    assert not strip().same_as(Strip.blank(7, AROUND))
