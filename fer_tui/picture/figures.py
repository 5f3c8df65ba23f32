"""Explanations as pictures: small ones for a screen, and figures with a colour bar and a caption for a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Unpack, cast

from PIL import Image, ImageDraw

from fer_tui.contract import Explanation, Gallery, Heatmap, InputError, Matrix, Reply

from .colours import UNSIGNED, colour_bar
from .heatmaps import Look, colours_of, heat_picture
from .lettering import cut, font, width_of, wrapped, write
from .matrices import FAINT, INK, PAPER, matrix_picture
from .outlines import outlined
from .scales import Scale, scale_of
from .sheets import FRAME, MARK, cell_box, columns_for, sheet
from .twin import words

if TYPE_CHECKING:
    from .outlines import Labels

_SIDE = 384  # pixels that a heat map's picture has at least in a figure
_TILE = 96  # the same for each picture of a gallery
_NARROWEST = 320  # a caption's width
_MARGIN = 12
_BAR = 18
_WARNING = (165, 60, 0)


def render(explanation: Explanation, **look: Unpack[Look]) -> Image.Image:
    """RGB picture of an explanation at its own size; `look`: how a heat map is drawn (see `heat_picture`).

    A Gallery becomes its sheet and a Matrix its picture; of `look` they heed the colours. InputError of a Reply.
    """
    if isinstance(explanation, Reply):
        raise InputError("reply", "has no picture", "write it as .json")
    if isinstance(explanation, Heatmap):
        return heat_picture(explanation, **look)
    colours = look.get("colours")
    if isinstance(explanation, Gallery):
        return sheet(explanation, colours=colours or "gray", scale=look.get("scale"))
    return matrix_picture(cast(Matrix, explanation), colours=colours or UNSIGNED)


def figure(explanation: Explanation, *, regions: Labels | None = None, **look: Unpack[Look]) -> Image.Image:
    """RGB picture at a readable size with colour bar and caption: what was explained, how, and the notes.

    regions: a number for each pixel of a heat map (H, W); a line is drawn between pixels of different ones.
    """
    if isinstance(explanation, Heatmap):
        body = _heat_figure(explanation, look, regions)
    elif isinstance(explanation, Gallery):
        body = _gallery_figure(explanation, look)
    else:
        body = render(explanation, **look)
    return _captioned(body, explanation)


def _heat_figure(heatmap: Heatmap, look: Look, regions: Labels | None) -> Image.Image:
    """The image, beside it the map, beside it the colours' values."""
    height, width = heatmap.values.shape
    zoom = max(1, -(-_SIDE // max(height, width)))
    panels = [heat_picture(heatmap, mode="original")]
    mode = look.get("mode", "overlay")
    if mode != "original":
        panels.append(heat_picture(heatmap, **look))
    panels = [panel.resize((width * zoom, height * zoom), Image.Resampling.NEAREST) for panel in panels]
    if regions is not None:
        panels = [outlined(panel, regions) for panel in panels]
    if mode in ("overlay", "map"):
        scale = look.get("scale") or scale_of(heatmap)
        panels.append(_labelled_bar(colours_of(heatmap, look.get("colours")), scale, height * zoom))
    return _row(panels)


def _labelled_bar(colours: str, scale: Scale, height: int) -> Image.Image:
    """A colour bar with the numbers at its ends and its middle."""
    low, high = scale
    small = font(12)
    marks = [(high, 0.0, "t"), (low + (high - low) / 2, 0.5, "m"), (low, 1.0, "b")]
    labels = [f"{value:.3g}" for value, _, _ in marks]
    wide = _BAR + 6 + max(width_of(label, small) for label in labels)
    picture = Image.new("RGB", (wide, height), PAPER)
    picture.paste(colour_bar(colours, _BAR, max(height, _BAR + 1)), (0, 0))
    draw = ImageDraw.Draw(picture)
    for label, (_, down, anchor) in zip(labels, marks, strict=True):
        write(draw, (_BAR + 5, down * (height - 1)), label, small, INK, f"l{anchor}")
    return picture


def _gallery_figure(gallery: Gallery, look: Look) -> Image.Image:
    """The sheet with each picture enlarged, its caption under it."""
    count, height, width = gallery.images.shape[:3]
    if not count:
        return Image.new("RGB", (_NARROWEST, 1), PAPER)
    flat = render(gallery, **look)
    columns, zoom, small = columns_for(count, height, width), max(1, -(-_TILE // max(height, width))), font(11)
    tall, wide = height * zoom + 2 * FRAME, width * zoom + 2 * FRAME
    strip = 18 if any(gallery.captions) else 4
    picture = Image.new("RGB", (columns * (wide + 4), -(-count // columns) * (tall + strip)), PAPER)
    draw = ImageDraw.Draw(picture)
    for index, caption in enumerate(gallery.captions):
        row, column = divmod(index, columns)
        left, top = column * (wide + 4), row * (tall + strip)
        if index in gallery.marked:
            draw.rectangle((left, top, left + wide - 1, top + tall - 1), fill=MARK)
        tile = flat.crop(cell_box(index, columns, height, width))
        tile = tile.resize((width * zoom, height * zoom), Image.Resampling.NEAREST)
        picture.paste(tile, (left + FRAME, top + FRAME))
        write(draw, (left + wide / 2, top + tall + 2), cut(caption, small, wide), small, INK, "mt")
    return picture


def _captioned(body: Image.Image, explanation: Explanation) -> Image.Image:
    width = max(body.width, _NARROWEST)
    lines = [
        (line, size, colour)
        for text, size, colour in _caption(explanation)
        for line in wrapped(text, font(size), width)
    ]
    below = sum(size + 6 for _, size, _ in lines)
    picture = Image.new("RGB", (width + 2 * _MARGIN, body.height + below + 3 * _MARGIN), PAPER)
    picture.paste(body, (_MARGIN, _MARGIN))
    draw = ImageDraw.Draw(picture)
    top = body.height + 2 * _MARGIN
    for line, size, colour in lines:
        write(draw, (_MARGIN, top), line, font(size), colour, "lt")
        top += size + 6
    return picture


def _caption(explanation: Explanation) -> Iterator[tuple[str, int, tuple[int, int, int]]]:
    """Lines of text with their size and colour."""
    if title := ", ".join(_title(explanation.meta)):
        yield title, 16, INK
    parameters = explanation.meta.get("parameters")
    if isinstance(parameters, Mapping) and parameters:
        yield ", ".join(f"{name}={value}" for name, value in parameters.items()), 12, FAINT
    yield words(explanation), 12, INK
    for note in explanation.notes:
        yield f"Note: {note}", 12, _WARNING


def _title(meta: Mapping[str, object]) -> Iterator[str]:
    """What was explained, as far as the meta tell it."""
    if "explainer" in meta:
        yield str(meta["explainer"])
    place, classes = meta.get("place"), meta.get("classes")
    if not isinstance(place, Mapping):
        return
    names = dict(enumerate(classes)) if isinstance(classes, list | tuple) else {}
    for axis, value in place.items():
        yield f"{axis} {value}" + (f" ({names[value]})" if axis == "target" and value in names else "")


def _row(panels: list[Image.Image]) -> Image.Image:
    gap = 10
    height = max(panel.height for panel in panels)
    picture = Image.new("RGB", (sum(panel.width + gap for panel in panels) - gap, height), PAPER)
    left = 0
    for panel in panels:
        picture.paste(panel, (left, 0))
        left += panel.width + gap
    return picture
