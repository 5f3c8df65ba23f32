"""What terminal.py measures: an app with one picture, or a sheet of 64, by fer-tui or by textual-image's own widgets.

python benchmarks/terminal_app.py {fer-tui,textual-image} {smooth,rough,sheet} [WAY]     n: the next one, q: leave
"""

from __future__ import annotations

import itertools
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from fer_tui.terminal import Probe

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

COUNT = 16  # pictures, then the first one again
SIZES = {"smooth": (40, 20), "rough": (40, 20), "sheet": (64, 32)}  # in cells
_ACROSS = 8  # pictures in a row of the sheet


def heat_pictures(what: str) -> list[Image.Image]:
    """Overlays on the bundled 48 x 48 faces: of maps as CAM makes them (smooth), or as saliency does (rough)."""
    import numpy as np

    from fer_tui.contract import Heatmap
    from fer_tui.picture import heat_picture

    y, x = np.mgrid[0:48, 0:48] / 47
    made = []
    for number, face in enumerate(faces()[:COUNT]):
        rng = np.random.default_rng(number)
        values = sum(
            np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 0.03) * size for cx, cy, size in rng.uniform(0.2, 0.8, (3, 3))
        )
        if what == "rough":
            values = values * np.abs(rng.normal(size=values.shape))
        made.append(heat_picture(Heatmap(values=values.astype(np.float32), image=face)))
    return made


def filter_outputs() -> list[np.ndarray]:
    """COUNT times what 64 filters of 5 x 5 make of a face: float32 (64, 24, 24)."""
    import numpy as np

    filters = np.random.default_rng(0).normal(size=(64, 5, 5)).astype(np.float32)
    made = []
    for face in faces()[:COUNT]:
        parts = np.lib.stride_tricks.sliding_window_view(face.astype(np.float32), (5, 5))[::2, ::2]
        made.append(np.pad(np.einsum("yxij,fij->fyx", parts, filters), ((0, 0), (1, 1), (1, 1)), mode="edge"))
    return made


def faces() -> np.ndarray:
    import numpy as np

    from fer_tui_samples import faces_path

    with np.load(faces_path()) as file:
        return file["images"]


def as_sheet(outputs: np.ndarray) -> Image.Image:
    from fer_tui.contract import Gallery
    from fer_tui.picture import sheet

    names = tuple(map(str, range(len(outputs))))
    return sheet(Gallery(images=outputs, captions=names, scores=outputs.mean((1, 2))), columns=_ACROSS)


def as_pictures(outputs: np.ndarray) -> list[Image.Image]:
    """Each filter's output as a picture of its own."""
    import numpy as np
    from PIL import Image

    low, high = (end((1, 2), keepdims=True) for end in (outputs.min, outputs.max))
    return [Image.fromarray(each) for each in ((outputs - low) / (high - low) * 255).astype(np.uint8)]


def as_mosaic(outputs: np.ndarray) -> Image.Image:
    """Those pictures, in rows and side by side."""
    import numpy as np
    from PIL import Image

    rows = [np.hstack(as_pictures(outputs)[at : at + _ACROSS]) for at in range(0, len(outputs), _ACROSS)]
    return Image.fromarray(np.vstack(rows))


def main() -> None:
    who, what, *rest = sys.argv[1:]
    if who == "textual-image":
        _textual_image(what, rest[0])
    else:
        _fer_tui(what, rest[0] if rest else "auto")


def _fer_tui(what: str, way: str) -> None:
    with Probe(way) as probe:
        from textual.app import App, ComposeResult
        from textual.screen import Screen
        from textual.widgets import Static

        from fer_tui.terminal import Picture, PictureDriver
        from fer_tui.terminal.pacing import Paced

        pictures = [as_sheet(each) for each in filter_outputs()] if what == "sheet" else heat_pictures(what)
        columns, rows = SIZES[what]
        coming = itertools.cycle(pictures)

        class Main(Paced, Screen[None]):
            CSS = f"Picture {{ width: {columns}; height: {rows}; }}"
            BINDINGS: ClassVar[Any] = [("n", "next", ""), ("q", "app.exit", "")]

            def compose(self) -> ComposeResult:
                yield Picture()
                yield Static("ready")

            def on_mount(self) -> None:
                self.action_next()

            def action_next(self) -> None:
                self.query_one(Picture).show(next(coming))

        class Bench(App[None]):
            ENABLE_COMMAND_PALETTE = False

            def on_mount(self) -> None:
                self.push_screen(Main())

            def action_exit(self) -> None:
                self.exit()

        probe.gather()
        if probe.has_true_colour:
            import os

            os.environ.setdefault("COLORTERM", "truecolor")
        Bench(driver_class=partial(PictureDriver, probe=probe)).run()  # type: ignore[arg-type]


def _textual_image(what: str, way: str) -> None:
    import textual_image.widget as widgets
    from textual.app import App, ComposeResult
    from textual.containers import Grid
    from textual.widgets import Static

    kind = {"kitty": widgets.TGPImage, "sixel": widgets.SixelImage, "blocks": widgets.HalfcellImage}[way]
    made = [as_pictures(each) for each in filter_outputs()] if what == "sheet" else [[p] for p in heat_pictures(what)]
    across = _ACROSS if what == "sheet" else 1
    columns, rows = SIZES[what]
    coming = itertools.cycle(made)

    class Bench(App[None]):
        ENABLE_COMMAND_PALETTE = False
        CSS = f"""
        Grid {{ grid-size: {across} {across}; grid-gutter: 0; width: {columns}; height: {rows}; }}
        Grid > * {{ width: {columns // across}; height: {rows // across}; }}
        """
        BINDINGS: ClassVar[Any] = [("n", "next", ""), ("q", "quit", "")]

        def compose(self) -> ComposeResult:
            with Grid():
                for picture in next(coming):
                    yield kind(picture)
            yield Static("ready")

        def action_next(self) -> None:
            for widget, picture in zip(self.query("Grid > *"), next(coming), strict=True):
                widget.image = picture

    Bench().run()


if __name__ == "__main__":
    main()
