"""Text on pictures, in the font that comes with Pillow."""

from __future__ import annotations

from functools import cache

from PIL import ImageDraw, ImageFont

from fer_tui.contract import plain

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@cache
def font(size: int) -> Font:
    """Pillow's own font at `size` pixels (its fixed bitmap font where Pillow was built without FreeType)."""
    return ImageFont.load_default(size)


def drawable(text: object, font: Font) -> str:
    """`text` on one line, as far as the font can draw it."""
    safe = plain(text)
    return safe if isinstance(font, ImageFont.FreeTypeFont) else safe.encode("latin-1", "replace").decode("latin-1")


def width_of(text: str, font: Font) -> int:
    """Pixels that `text` takes."""
    return int(font.getlength(text) + 0.999)


def cut(text: object, font: Font, width: int) -> str:
    """`text` on one line, shortened with ... until it fits `width` pixels."""
    whole = drawable(text, font)
    if width_of(whole, font) <= width:
        return whole
    kept = len(whole)
    while kept and width_of(whole[:kept] + "...", font) > width:
        kept -= 1
    return whole[:kept] + "..."


def wrapped(text: object, font: Font, width: int) -> list[str]:
    """`text` in lines of at most `width` pixels, broken between words; a longer word is shortened."""
    lines: list[str] = []
    for word in drawable(text, font).split():
        if lines and width_of(f"{lines[-1]} {word}", font) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(cut(word, font, width))
    return lines


def write(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    font: Font,
    colour: tuple[int, int, int],
    anchor: str,
) -> None:
    """Draw `text` at `place`; anchor as in Pillow: "lt" left top, "mm" the middle, "rm" right middle, and so on."""
    if isinstance(font, ImageFont.FreeTypeFont):
        draw.text(place, text, colour, font, anchor=anchor)
        return
    left, top, right, bottom = font.getbbox(text)  # a bitmap font knows no anchors
    across = {"l": 0.0, "m": 0.5, "r": 1.0}[anchor[0]] * (right - left)
    down = {"t": 0.0, "m": 0.5, "s": 1.0, "b": 1.0}[anchor[1]] * (bottom - top)
    draw.text((place[0] - across, place[1] - down), text, colour, font)
