"""Drawings as PDF: one page of the drawing's size, letters as letters (Helvetica), pictures as they are."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from PIL import Image

from fer_tui.picture.lettering import font, width_of

from .drawing import PAPER, Box, Drawing, Fill, Frame, Raster, Text

_POINTS = 0.75  # points for each unit, as for a pixel in CSS
_DOWN = {"t": 0.78, "m": 0.33, "b": 0.0}  # from the anchor to the line on which letters stand, in sizes


def pdf(drawing: Drawing) -> bytes:
    """PDF 1.4; letters beyond Windows-1252 become question marks, for Helvetica has none."""
    images = [item.image for item in drawing.items if isinstance(item, Raster)]
    content = "\n".join(_content(drawing)).encode("cp1252", "replace")
    names = " ".join(f"/I{number} {number + 6} 0 R" for number in range(len(images)))
    box = f"[0 0 {drawing.width * _POINTS:g} {drawing.height * _POINTS:g}]"
    resources = f"<< /Font << /F 5 0 R >> /XObject << {names} >> >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Resources {resources} /Contents 4 0 R >>".encode(),
        _stream("", content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        *(_image(image) for image in images),
    ]
    file, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    head = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    tail = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(file)}\n%%EOF\n"
    return file + (head + tail).encode()


def _content(drawing: Drawing) -> Iterator[str]:
    height, number = drawing.height, 0
    yield f"{_POINTS} 0 0 {_POINTS} 0 0 cm"
    yield f"{_ink(PAPER)} rg {_area((0, 0, drawing.width, height), height)} re f"
    for item in drawing.items:
        match item:
            case Raster((left, top, wide, tall), _):
                yield f"q {wide:g} 0 0 {tall:g} {left:g} {height - top - tall:g} cm /I{number} Do Q"
                number += 1
            case Fill(box, colour):
                yield f"{_ink(colour)} rg {_area(box, height)} re f"
            case Frame((left, top, wide, tall), colour, line):
                around = (left - line / 2, top - line / 2, wide + line, tall + line)
                yield f"{_ink(colour)} RG {line:g} w {_area(around, height)} re S"
            case Text():
                yield _letters(item, height)


def _letters(text: Text, height: float) -> str:
    told = text.text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    head = f"BT /F {text.size} Tf {_ink(text.colour)} rg"
    if text.upwards:
        return f"{head} 0 1 -1 0 {text.x + _DOWN['m'] * text.size:g} {height - text.y:g} Tm ({told}) Tj ET"
    back = {"l": 0.0, "m": 0.5, "r": 1.0}[text.anchor[0]] * width_of(text.text, font(text.size))
    down = _DOWN[text.anchor[1]] * text.size
    return f"{head} {text.x - back:g} {height - text.y - down:g} Td ({told}) Tj ET"


def _image(image: Image.Image) -> bytes:
    size = f"/Type /XObject /Subtype /Image /Width {image.width} /Height {image.height} "
    return _stream(f"{size}/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /FlateDecode ", _packed(image))


def _packed(image: Image.Image) -> bytes:
    return zlib.compress(image.convert("RGB").tobytes(), 9)


def _stream(head: str, content: bytes) -> bytes:
    return f"<< {head}/Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream"


def _area(box: Box, height: float) -> str:
    left, top, wide, tall = box
    return f"{left:g} {height - top - tall:g} {wide:g} {tall:g}"


def _ink(colour: tuple[int, int, int]) -> str:
    return " ".join(f"{each / 255:.4g}" for each in colour)
