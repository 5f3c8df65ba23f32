"""Drawings as files: JPEG and PNG pixels, SVG, PDF. Nothing of the moment gets into them."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import Literal

from PIL import Image, ImageDraw

from fer_tui.picture.lettering import font, width_of, write

from .drawing import PAPER, Drawing, Fill, Frame, Raster, Text
from .pdf import pdf

Format = Literal["jpg", "png", "svg", "pdf"]
FORMATS: tuple[Format, ...] = ("jpg", "png", "svg", "pdf")

_SCALE = 2  # pixels for each unit
_QUALITY = 88
_ACROSS = {"l": "start", "m": "middle", "r": "end"}
_DOWN = {"t": 0.82, "m": 0.35, "b": 0.0}  # from the anchor to the line on which letters stand, in sizes


def encoded(drawing: Drawing, form: Format, scale: int = _SCALE) -> bytes:
    """The drawing as a file of that format; scale: pixels for each unit, of JPEG and PNG."""
    if form == "svg":
        return _svg(drawing)
    if form == "pdf":
        return pdf(drawing)
    buffer = io.BytesIO()
    if form == "jpg":
        painted(drawing, scale).save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    else:
        painted(drawing, scale).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def painted(drawing: Drawing, scale: int = _SCALE) -> Image.Image:
    """The drawing as RGB pixels, `scale` for each unit."""
    size = (max(1, round(drawing.width * scale)), max(1, round(drawing.height * scale)))
    picture = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(picture)
    for item in drawing.items:
        match item:
            case Raster(box, image):
                left, top, right, bottom = _corners(box, scale)
                how = Image.Resampling.NEAREST if right - left >= image.width else Image.Resampling.BOX
                picture.paste(image.resize((max(1, right - left), max(1, bottom - top)), how), (left, top))
            case Fill(box, colour):
                left, top, right, bottom = _corners(box, scale)
                pen.rectangle((left, top, right - 1, bottom - 1), fill=colour)
            case Frame(box, colour, width):
                left, top, right, bottom = _corners(box, scale)
                wide = round(width * scale)
                around = (left - wide, top - wide, right + wide - 1, bottom + wide - 1)
                pen.rectangle(around, outline=colour, width=wide)
            case Text():
                _write(picture, pen, item, scale)
    return picture


def _corners(box: tuple[float, float, float, float], scale: int) -> tuple[int, int, int, int]:
    left, top, width, height = box
    return tuple(round(each * scale) for each in (left, top, left + width, top + height))  # type: ignore[return-value]


def _write(picture: Image.Image, pen: ImageDraw.ImageDraw, text: Text, scale: int) -> None:
    letters = font(text.size * scale)
    x, y = text.x * scale, text.y * scale
    if not text.upwards:
        write(pen, (x, y), text.text, letters, text.colour, text.anchor)
        return
    wide, tall = max(1, width_of(text.text, letters)), round(1.4 * text.size * scale)
    mask = Image.new("L", (wide, tall), 0)
    write(ImageDraw.Draw(mask), (0, tall / 2), text.text, letters, (255,), "lm")  # type: ignore[arg-type]
    turned = mask.transpose(Image.Transpose.ROTATE_90)
    picture.paste(text.colour, (round(x - tall / 2), round(y - turned.height)), turned)


# ---- SVG -------------------------------------------------------------------------------------------------------------


def _svg(drawing: Drawing) -> bytes:
    size = f'width="{drawing.width:g}" height="{drawing.height:g}" viewBox="0 0 {drawing.width:g} {drawing.height:g}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="Helvetica, Arial, sans-serif">',
        f"<title>{_told(drawing.words)}</title>",
        f'<rect width="{drawing.width:g}" height="{drawing.height:g}" fill="{_hex(PAPER)}"/>',
    ]
    for item in drawing.items:
        match item:
            case Raster(box, image):
                look = "image-rendering:pixelated" if box[2] >= image.width else ""
                data = f"data:image/png;base64,{base64.b64encode(_png(image)).decode()}"
                lines.append(f'<image {_placed(box)} preserveAspectRatio="none" style="{look}" href="{data}"/>')
            case Fill(box, colour):
                lines.append(f'<rect {_placed(box)} fill="{_hex(colour)}"/>')
            case Frame((left, top, width, height), colour, line):
                around = (left - line / 2, top - line / 2, width + line, height + line)
                lines.append(f'<rect {_placed(around)} fill="none" stroke="{_hex(colour)}" stroke-width="{line:g}"/>')
            case Text():
                lines.append(_letters(item))
    return ("\n".join([*lines, "</svg>"]) + "\n").encode()


def _letters(text: Text) -> str:
    turn = f' transform="rotate(-90 {text.x:g} {text.y:g})"' if text.upwards else ""
    across, down = ("start", _DOWN["m"]) if text.upwards else (_ACROSS[text.anchor[0]], _DOWN[text.anchor[1]])
    place = f'x="{text.x:g}" y="{text.y + down * text.size:g}"'
    head = f'<text {place} font-size="{text.size}" fill="{_hex(text.colour)}" text-anchor="{across}"{turn}>'
    return f"{head}{_told(text.text)}</text>"


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _placed(box: tuple[float, float, float, float]) -> str:
    return 'x="{:g}" y="{:g}" width="{:g}" height="{:g}"'.format(*box)


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _told(text: str) -> str:
    return escape(text.encode("utf-8", "replace").decode())
