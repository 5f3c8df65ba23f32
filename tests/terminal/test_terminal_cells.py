"""Block characters: what a terminal shows of a picture, read back from the bytes it gets, is the scaled picture."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from rich.color import Color
from rich.console import Console
from rich.style import Style
from terminal_model import Terminal, recorded
from textual.strip import Strip

from fer_tui.terminal.blocks import Blocks, cells_of, inverse
from fer_tui.terminal.cells import CellStrip, drawn, patch
from fer_tui.terminal.inks import nearest_256
from fer_tui.terminal.scaling import fitted_size, scaled

Pixels = NDArray[np.uint8]
AROUND = Style(bgcolor=Color.from_rgb(1, 2, 3))


def console(system: str = "truecolor") -> Console:
    return Console(file=io.StringIO(), color_system=system, force_terminal=True, width=500)  # type: ignore[arg-type]


def noise(height: int, width: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(height: int, width: int, seed: int = 0) -> Pixels:
    """Something like a picture: few sharp edges."""
    small = Image.fromarray(noise(5, 5, seed))
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


def shown(lines: list[Strip], system: str = "truecolor", part: tuple[int, int] = (1, 2)) -> Pixels:
    """What a terminal shows of the lines, one pixel for each of the `part` (columns, rows) of a cell."""
    width, height = lines[0].cell_length, len(lines)
    screen = Terminal(recorded("kitty"), width + 1, height)
    text = "\r\n".join(line.render(console(system)) for line in lines)
    screen.feed(text.encode())
    high, wide = 17 / part[1], 8 / part[0]
    ys = [int(row * 17 + (n + 0.5) * high) for row in range(height) for n in range(part[1])]
    xs = [int(column * 8 + (n + 0.5) * wide) for column in range(width) for n in range(part[0])]
    return screen.pixels()[np.ix_(ys, xs)]


def of_pixels(pixels: Pixels, columns: int, rows: int, **how: object) -> list[Strip]:
    return drawn(Image.fromarray(pixels), columns, rows, AROUND, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(20))
def test_cells_show_the_pixels_and_nothing_beside_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns, rows = (int(rng.integers(1, high)) for high in (40, 20))
    pixels = noise(int(rng.integers(1, 60)), int(rng.integers(1, 60)), seed)
    if seed % 2:
        pixels = pixels // 128 * 3  # few colours: runs of equal cells, and cells of one colour
    lines = of_pixels(pixels, columns, rows, tolerance=0)
    assert [line.cell_length for line in lines] == [columns] * rows
    small = scaled(Image.fromarray(pixels), columns, rows)
    height, width = small.shape[:2]
    left, above = (columns - width) // 2, 2 * ((rows - height // 2) // 2)
    expected = np.tile(np.array([1, 2, 3], np.uint8), (2 * rows, columns, 1))
    expected[above : above + height, left : left + width] = small
    np.testing.assert_array_equal(shown(lines), expected)


@pytest.mark.parametrize("tolerance", [1, 3, 12])
def test_no_colour_is_further_off_than_is_tolerated(tolerance: int) -> None:
    for pixels in (smooth(40, 40), noise(40, 40), smooth(40, 40)[..., :1].repeat(3, 2)):
        exact, rough = (of_pixels(pixels, 40, 20, tolerance=most) for most in (0, tolerance))
        assert np.abs(shown(rough).astype(int) - pixels).max() <= tolerance
        sizes = [sum(len(line.render(console())) for line in lines) for lines in (exact, rough)]
        assert sizes[1] < sizes[0] or (pixels.std() > 60 and sizes[1] == sizes[0])


def test_segments_say_the_same_as_the_escape_sequences() -> None:
    for pixels in (noise(8, 11), noise(8, 11) // 200, np.zeros((8, 11, 3), np.uint8)):
        lines = of_pixels(pixels, 15, 4, tolerance=0)
        plain = [Strip(list(line), line.cell_length) for line in lines]
        assert [line.text for line in lines] == [line.text for line in plain]
        np.testing.assert_array_equal(shown(lines), shown(plain))


def test_a_part_of_a_line_shows_that_part() -> None:
    line = of_pixels(noise(2, 11), 17, 1, tolerance=0)[0]
    whole = shown([line])
    for start, stop in itertools.combinations(range(18), 2):
        part = line.crop(start, stop)
        assert part.cell_length == stop - start
        np.testing.assert_array_equal(shown([part]), whole[:, start:stop])
    parts = line.divide([2, 3, 9, 17])
    assert [part.cell_length for part in parts] == [2, 1, 6, 8]
    np.testing.assert_array_equal(np.concatenate([shown([part]) for part in parts], 1), whole)
    assert line.crop(17).cell_length == line.crop(20, 30).cell_length == 0


@pytest.mark.parametrize("blocks", [Blocks.QUADRANTS, Blocks.SEXTANTS, Blocks.OCTANTS])
def test_finer_blocks_are_the_best_two_colours_of_each_cell(blocks: Blocks) -> None:
    """The squared error is that of the best of all ways to split a cell's pixels in two."""
    across, down = blocks.value
    pixels = noise(down * 3, across * 4)
    seen = shown(in_blocks(pixels, blocks), part=blocks.value).astype(float)
    cells = pixels.reshape(3, down, 4, across, 3).swapaxes(1, 2).reshape(12, across * down, 3).astype(float)
    got = seen.reshape(3, down, 4, across, 3).swapaxes(1, 2).reshape(12, across * down, 3)
    for cell, found in zip(cells, got, strict=True):
        best = np.inf
        for bits in range(2 ** (len(cell) - 1)):
            ink = np.array([bits >> n & 1 for n in range(len(cell))], bool)
            groups = [cell[ink], cell[~ink]]
            best = min(best, sum(np.square(group - group.mean(0)).sum() for group in groups if len(group)))
        assert np.square(cell - found).sum() <= best + 0.25 * cell.size  # colours are rounded


def in_blocks(pixels: Pixels, blocks: Blocks) -> list[Strip]:
    return [CellStrip(cells, (0, 0), AROUND, 0) for cells in cells_of(pixels, blocks)]


@pytest.mark.parametrize("blocks", list(Blocks))
def test_two_colours_are_shown_exactly(blocks: Blocks) -> None:
    across, down = blocks.value
    pixels = np.where(noise(down * 8, across * 32)[..., :1] < 128, [10, 20, 30], [240, 200, 90]).astype(np.uint8)
    np.testing.assert_array_equal(shown(in_blocks(pixels, blocks), part=blocks.value), pixels)


def test_every_pattern_can_be_drawn_one_way_or_the_other() -> None:
    for blocks in Blocks:
        known = blocks.characters
        assert len(known) == 2 ** (blocks.value[0] * blocks.value[1])
        assert len(set(known)) == len(known) - max(0, known.count("") - 1)
        assert all(one or other for one, other in zip(known, reversed(known), strict=True))
        assert all(inverse()[inverse()[each]] == each for each in known if each in inverse())


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
    pixels = noise(60, 60)
    lines = of_pixels(pixels, 60, 30)
    assert not any("8;2;" in line.render(console("256")).split("\x1b[0m")[0] for line in lines)
    palette = np.array([Color.from_ansi(number).get_truecolor() for number in range(16, 256)])
    least = np.linalg.norm(palette - pixels[:, :, None].astype(int), axis=-1).min(-1)
    found = shown(lines, "256").astype(int)
    assert (np.linalg.norm(found - pixels, axis=-1) <= least + 16).all()
    np.testing.assert_array_equal(found, palette[nearest_256(pixels) - 16])


def test_a_terminal_of_16_colours_gets_only_those_and_mixes_them() -> None:
    lines = of_pixels(smooth(40, 40), 40, 20)
    text = "".join(line.render(console("standard")) for line in lines)
    codes = {int(code) for part in text.split("\x1b[")[1:] for code in part.partition("m")[0].split(";")}
    assert len(codes) > 8
    assert codes <= {0, *range(30, 38), *range(40, 48), *range(90, 98), *range(100, 108)}
    assert set("░▒▓") <= set(text)


def test_without_colour_brighter_is_denser() -> None:
    ramp = np.repeat(np.linspace(0, 255, 40).astype(np.uint8)[None, :, None], 3, 2).repeat(2, 0)
    for letters, levels in ((False, " ·:░▒▓█"), (True, " .:-=+*#%@")):
        (line,) = of_pixels(ramp, 44, 1, colour=False, letters=letters)
        assert len(line.text) == line.cell_length == 44 and line.text[:2] == line.text[-2:] == "  "
        found = [levels.index(character) for character in line.text[2:-2]]
        assert found == sorted(found) and (found[0], found[-1]) == (0, len(levels) - 1)
        assert "\x1b" not in line.render(console())


def test_without_colour_contrast_is_stretched_but_not_that_of_noise() -> None:
    dim = np.where(np.arange(8)[None, :, None] < 4, 60, 110).astype(np.uint8).repeat(8, 0).repeat(3, 2)
    assert [line.text for line in of_pixels(dim, 8, 4, colour=False)] == ["    ████"] * 4
    flat = np.full((8, 8, 3), 100, np.uint8) + noise(8, 8) // 100
    assert len({character for line in of_pixels(flat, 8, 4, colour=False) for character in line.text}) <= 2
    for level, character in ((0, " "), (255, "█")):
        lines = of_pixels(np.full((8, 8, 3), level, np.uint8), 8, 4, colour=False)
        assert [line.text for line in lines] == [character * 8] * 4


def test_lines_know_whether_they_show_the_same() -> None:
    def strip(seed: int = 0, left: int = 1, around: Style = AROUND) -> CellStrip:
        (cells,) = cells_of(noise(2, 5, seed))
        return CellStrip(cells, (left, 1), around)

    assert strip().same_as(strip())
    assert not strip().same_as(strip(seed=1))
    assert not strip().same_as(strip(left=2))
    assert not strip().same_as(strip(around=Style()))
    assert not strip().same_as(Strip.blank(7, AROUND))


@pytest.mark.parametrize("system", ["truecolor", "256", "standard"])
@pytest.mark.parametrize("blocks", list(Blocks))
def test_a_patch_turns_one_picture_into_another(system: str, blocks: Blocks) -> None:
    """Written over the old picture, the cells that differ make the screen what it would be if all were written."""
    for seed in range(6):
        old_pixels = smooth(40, 40, seed)
        new_pixels = old_pixels.copy()
        for y, x, size in np.random.default_rng(seed).integers(0, 30, (seed, 3)):
            new_pixels[y : y + 1 + size % 9, x : x + size] = noise(1, 1, seed)
        old, new = (of_pixels(pixels, 50, 20, blocks=blocks, tolerance=0) for pixels in (old_pixels, new_pixels))
        terminal = console(system)
        screens = [Terminal(recorded("kitty"), 60, 24) for _ in range(2)]
        for screen, lines in zip(screens, (old, new), strict=True):
            for y, line in enumerate(lines):
                screen.feed(f"\x1b[{y + 3};5H{line.render(terminal)}".encode())
            screen.feed(b"\x1b[24;9H\x1b[1;33m")
        changes = patch(new, old, 4, 2, terminal)
        assert changes is not None and (changes == "") == (seed == 0)
        whole = sum(len(line.render(terminal)) for line in new)
        assert len(changes) < 0.8 * whole
        screens[0].feed(changes.encode())
        np.testing.assert_array_equal(*(screen.pixels() for screen in screens))
        assert (screens[0].screen.column, screens[0].screen.row) == (8, 23)
        assert screens[0].screen.pen == screens[1].screen.pen


def test_what_a_patch_cannot_tell() -> None:
    old, other = of_pixels(noise(20, 20), 20, 10), of_pixels(noise(20, 10), 20, 10)
    assert patch(old, other, 0, 0, console()) is None  # another shape
    assert patch(old, old[:5], 0, 0, console()) is None
    shades = of_pixels(noise(20, 20), 20, 10, colour=False), of_pixels(noise(20, 20, 1), 20, 10, colour=False)
    assert patch(*shades, 0, 0, console()) is None
    assert patch(old, old, 0, 0, Console(file=io.StringIO(), color_system=None)) is None
