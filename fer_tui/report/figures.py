"""The figures of a report: maps of single images, filters, means, contrasts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from fer_tui.contract import Gallery, Heatmap, plain
from fer_tui.engine.means import Mean
from fer_tui.picture import Scale, colour_bar, colours_of, figure, heat_picture, scale_of, shared_scale, words
from fer_tui.picture.lettering import font, width_of

from .choosing import Chosen
from .drawing import FAINT, INK, PAPER, RED, TITLE, Box, Drawing, Fill, Frame, Raster, Text
from .gathering import shown_filters, titled
from .material import Filters, Material
from .means import Means

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PANEL, _GAP, _MARGIN = 260, 16, 14
_BAR = 14  # a colour bar's width
_NUMBERS = 62  # room for its numbers
_TILE, _TILE_GAP, _CAPTION = 76, 12, 17
_STEP = _TILE + _TILE_GAP
_MEAN = 104
_MANY = 12  # classes from which on a mean that is missing takes no place
_ACROSS = 10  # columns at most

_SIGNED, _UNSIGNED = "map: for (orange) and against (blue)", "map: how strong, without a sign"
_MAP_TOLD = {"saliency": "map: |d score / d pixel|"}  # of the others by their sign


def method_figure(material: Material, each: Chosen, method: str) -> Drawing:
    """The image, its map with a colour bar, and what is in focus: the strongest fifth, or LIME's strongest segments."""
    heatmap, classes = material.maps[each.number, method], material.classes
    height, width = heatmap.values.shape
    tall, wide = _PANEL * height / max(height, width), _PANEL * width / max(height, width)
    across = 3 * wide + 2 * _GAP + _BAR + _NUMBERS
    target = classes[each.target]
    called = material.title(method)
    drawing = Drawing(across + 2 * _MARGIN, 0, f"{called} of {titled(each, classes)}. {words(heatmap)}.")
    name = classes[each.listed] if each.listed >= 0 else "no label"
    title = f"{called} · {plain(name)} · row {each.row}"
    title += f" · explained: {plain(target)}" if each.target != each.listed else ""
    top = drawing.lines(_MARGIN, _MARGIN, title, across, TITLE)
    top = drawing.lines(_MARGIN, top, titled(each, classes), across, colour=FAINT) + 6
    by_segments = heatmap.meta["explainer"] == "lime" and "mask" in heatmap.extras
    focus = "chosen" if by_segments else "quantile"
    third = "focus: the segments that count most" if focus == "chosen" else "focus: the strongest fifth"
    left = float(_MARGIN)
    panels = [
        (heat_picture(heatmap, mode="original"), "image"),
        (heat_picture(heatmap, mode="map"), _MAP_TOLD.get(method, _SIGNED if heatmap.signed else _UNSIGNED)),
        (heat_picture(heatmap, mode="focus", focus_by=focus), third),  # type: ignore[arg-type]
    ]
    for number, (picture, told) in enumerate(panels):
        drawing.put(Raster((left, top, wide, tall), picture))
        drawing.line(Text(left, top + tall + 4, told, colour=FAINT), wide)
        left += wide
        if number == 1:
            _bar(drawing, left + 6, top, tall, colours_of(heatmap), scale_of(heatmap))
            left += _BAR + _NUMBERS
        left += _GAP
    top += tall + 28
    for line in _told(heatmap):
        top = drawing.lines(_MARGIN, top, line, across, colour=FAINT)
    drawing.height = top + _MARGIN
    return drawing


def _told(heatmap: Heatmap) -> Iterator[str]:
    yield words(heatmap)
    yield from heatmap.notes


def _bar(drawing: Drawing, left: float, top: float, tall: float, colours: str, scale: Scale) -> None:
    """A colour bar with the numbers at its ends and its middle."""
    drawing.put(Raster((left, top, _BAR, tall), colour_bar(colours, 1, 256)))
    low, high = scale
    beside = left + _BAR + 5
    for value, at, down in ((high, top, "t"), ((low + high) / 2, top + tall / 2, "m"), (low, top + tall, "b")):
        drawing.put(Text(beside, at, f"{value:.3g}", anchor=f"l{down}"))  # type: ignore[arg-type]


# ---- filters ---------------------------------------------------------------------------------------------------------


def ascent_figure(filters: Filters) -> Drawing:
    """The pictures that gradient ascent from white noise makes for the filters of a layer."""
    gallery = filters.ascent
    count = shown_filters(gallery)
    title = f"Gradient ascent: what excites the filters of {filters.layer} most, from white noise"
    steps = gallery.meta.get("parameters", {}).get("steps", "")
    note = f"{steps} steps; below each picture its filter and the activation that it reaches"
    captions = [f"{n}: {gallery.scores[n]:.3g}" for n in range(count)]
    return _sheet(gallery, range(count), title, (note, *gallery.notes), captions, {})


def outputs_figure(filters: Filters, classes: Sequence[str]) -> Drawing:
    """The outputs of a layer's filters on one image, the strongest framed in red and numbered."""
    gallery = filters.outputs
    strongest = gallery.extras["strongest"].tolist()
    count = shown_filters(gallery)
    beyond = [n for n in strongest if n >= count]  # the strongest are shown, wherever they are
    kept = sorted({*range(count - len(beyond)), *beyond})
    title = f"Outputs of the filters of {filters.layer} on {titled(filters.shown, classes)}"
    framed = numbered([kept.index(n) for n in strongest], _columns(len(kept)))
    captions = [f"{n}: {gallery.scores[n]:.3g}" for n in kept]
    note = f"framed and numbered, down each column: the {len(framed)} with the highest mean; below each filter its mean"
    return _sheet(gallery, kept, title, (note, *gallery.notes), captions, framed)


def gallery_figure(gallery: Gallery, title: str) -> Drawing:
    """An explainer's pictures under their captions; those that it marks are framed."""
    captions = [plain(each) for each in gallery.captions]
    widest = max((width_of(each, font(11)) for each in captions), default=0)
    step = max(_STEP, min(widest + _TILE_GAP, 2 * _STEP))
    notes = (words(gallery), *gallery.notes)
    return _sheet(gallery, range(shown_filters(gallery)), title, notes, captions, {}, step, "pictures")


def picture_figure(heatmap: Heatmap, title: str) -> Drawing:
    """A map that hangs on no image of the data, as it is drawn in a file."""
    picture = figure(heatmap, mode="map")
    drawing = Drawing(picture.width + 2 * _MARGIN, 0, f"{title}. {words(heatmap)}.")
    top = drawing.lines(_MARGIN, _MARGIN, title, picture.width, TITLE) + 6
    drawing.put(Raster((_MARGIN, top, picture.width, picture.height), picture))
    drawing.height = top + picture.height + _MARGIN
    return drawing


def numbered(places: Sequence[int], columns: int) -> dict[int, int]:
    """The number of each framed place, from 1 on, from top to bottom and then from left to right."""
    order = sorted(places, key=lambda place: (place % columns, place // columns))
    return {place: number for number, place in enumerate(order, 1)}


def _columns(count: int) -> int:
    return max(1, min(_ACROSS, count))


def _sheet(
    gallery: Gallery,
    kept: Sequence[int],
    title: str,
    notes: Sequence[str],
    captions: Sequence[str],
    framed: dict[int, int],
    step: int = _STEP,
    of: str = "filters",
) -> Drawing:
    """The pictures `kept` in rows. framed: the numbers of those that are framed in red, by place. step: from one to the
    next. of: what they are pictures of.
    """
    count, columns = len(kept), max(1, _columns(len(kept)) * _STEP // step)
    across = max(columns * step - _TILE_GAP, 420)
    drawing = Drawing(across + 2 * _MARGIN, 0, f"{title}. {words(gallery)}.")
    top = drawing.lines(_MARGIN, _MARGIN, title, across, TITLE) + 8
    for place, index in enumerate(kept):
        row, column = divmod(place, columns)
        left, at = _MARGIN + column * step + (step - _STEP) / 2, top + row * (_STEP + _CAPTION)
        box = (left, at, _TILE, _TILE)
        drawing.put(Raster(_within(box, gallery.images[index].shape), _gray(gallery.images[index])))
        if place in framed:
            drawing.put(Frame(box, RED, 4), Fill((left, at, 20, 16), RED))
            drawing.put(Text(left + 10, at + 8, str(framed[place]), 11, PAPER, "mm"))
        elif not framed and index in gallery.marked:
            drawing.put(Frame(box, FAINT, 2))
        colour = RED if place in framed else FAINT
        drawing.line(Text(left + _TILE / 2, at + _TILE + 6, captions[place], 11, colour, "mt"), step)
    top += -(-count // columns) * (_STEP + _CAPTION) + 4
    if count < len(gallery.captions):
        notes = (f"shown are {count} of {len(gallery.captions)} {of}", *notes)
    for note in notes:
        top = drawing.lines(_MARGIN, top, note, across, colour=FAINT)
    drawing.height = top + _MARGIN
    return drawing


def _within(box: Box, shape: Sequence[int]) -> Box:
    """The part of a box, in its middle, that a picture of that shape fills without being bent."""
    left, top, width, height = box
    scale = min(width / shape[1], height / shape[0])
    wide, tall = scale * shape[1], scale * shape[0]
    return left + (width - wide) / 2, top + (height - tall) / 2, wide, tall


def _gray(image: NDArray[np.float32]) -> Image.Image:
    """From its minimum, black, to its maximum, white."""
    finite = np.where(np.isfinite(image), image, 0)
    low, high = float(finite.min()), float(finite.max())
    pixels = np.rint((finite - low) / (high - low) * 255) if high > low else np.zeros_like(finite)
    return Image.fromarray(pixels.astype(np.uint8)).convert("RGB")


# ---- means -----------------------------------------------------------------------------------------------------------


def means_figure(material: Material, means: Means) -> Drawing:
    """The mean maps of the classes, where they are right and where they are wrong, on one scale."""
    title = f"{material.title(means.method)}: mean maps by class, 1 is the mean of a map"
    tiles: list[tuple[str, Mean | None]] = []
    for index, name in enumerate(material.classes):
        for right in (True, False):
            mean = means.by_class.get((index, right))
            told = f"{plain(name)}, {'right' if right else 'wrong'}: {mean.count if mean else 0}"
            if mean is not None or len(material.classes) <= _MANY:
                tiles.append((told, mean))
    return _mean_sheet(title, tiles, means.signed, columns=min(8, 2 * len(material.classes)))


def pairs_figure(material: Material) -> Drawing:
    """What spoke for the wrong class rather than for the true one, averaged over the images of each pair."""
    title = "What moved the mistakes: CAM for the predicted minus CAM for the true class, means"
    tiles = [
        (f"{plain(material.classes[pair.true])} taken for {plain(material.classes[pair.predicted])}", pair.contrast)
        for pair in material.pairs
    ]
    return _mean_sheet(title, tiles, True, columns=3, size=2 * _MEAN, overlay=True)


def _mean_sheet(
    title: str,
    tiles: Sequence[tuple[str, Mean | None]],
    signed: bool,
    columns: int,
    size: int = _MEAN,
    overlay: bool = False,
) -> Drawing:
    maps = [mean.heatmap(signed) for _, mean in tiles if mean is not None]
    scale = shared_scale(maps)
    columns = max(1, min(columns, len(tiles)))
    across = max(columns * (size + _TILE_GAP) + _BAR + _NUMBERS, 420)
    drawing = Drawing(across + 2 * _MARGIN, 0, f"{title}. {len(maps)} maps.")
    top = drawing.lines(_MARGIN, _MARGIN, title, across, TITLE) + 8
    tall = size
    if maps:
        height, width = maps[0].values.shape
        tall = round(size * height / width)
    for place, (told, mean) in enumerate(tiles):
        row, column = divmod(place, columns)
        left, at = _MARGIN + column * (size + _TILE_GAP), top + row * (tall + _TILE_GAP + _CAPTION)
        if mean is None:
            drawing.put(Text(left + size / 2, at + tall / 2, "none", 12, FAINT, "mm"))
        else:
            heatmap = mean.heatmap(signed)
            picture = heat_picture(heatmap, mode="overlay" if overlay else "map", opacity=0.6, scale=scale)
            drawing.put(Raster((left, at, size, tall), picture))
        drawing.line(Text(left + size / 2, at + tall + 4, told, 11, INK, "mt"), size + _TILE_GAP - 2)
    rows = -(-len(tiles) // columns)
    if maps:
        _bar(drawing, _MARGIN + columns * (size + _TILE_GAP), top, tall, colours_of(maps[0]), scale)
    drawing.height = top + rows * (tall + _TILE_GAP + _CAPTION) + _MARGIN
    return drawing
