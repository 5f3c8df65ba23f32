"""A small app with a picture, for tests in modelled terminals: python picture_app.py [WAY]

n: the next picture; b: the next one, large; m: a popup that dims it; o, c: one over it, or beside it in a corner, where
n still goes on; s: another screen; t: a tint; d: scroll; u: take the picture away; x: a crash; q and Ctrl+C: leave;
other keys are told in the line of keys.
"""

from __future__ import annotations

import os
import sys
from functools import partial

from fer_tui.terminal import Probe

COLUMNS, ROWS, TOP = 40, 20, 1  # of the picture, and the line where it begins


def main() -> None:
    way = sys.argv[1] if len(sys.argv) > 1 else "auto"
    if way == "textual-image":
        from fer_tui.terminal.fallback import prepare

        prepare()
    with Probe(way) as probe:
        if os.environ.get("SLOW_IMPORT"):
            import time

            time.sleep(float(os.environ["SLOW_IMPORT"]))
        import numpy as np
        from PIL import Image
        from textual.app import App, ComposeResult
        from textual.containers import VerticalScroll
        from textual.events import Key
        from textual.screen import ModalScreen, Screen
        from textual.widgets import Static

        from fer_tui.terminal import Picture, PictureDriver, TerminalChanged
        from fer_tui.terminal.pacing import Over, Paced

        def blobs(number: int, size: int = 48) -> Image.Image:
            y, x = np.mgrid[0:size, 0:size] / size
            heat = np.exp(-((x - 0.2 - 0.6 * (number * 0.37 % 1)) ** 2 + (y - 0.5) ** 2) * 20)
            pixels = np.stack([120 * (1 - heat) + 250 * heat * part for part in (x, 1 - x, y)], -1)
            return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))

        class Popup(Paced, ModalScreen[None]):
            CSS = "Popup { align: center middle; background: black 50%; } Static { width: 10; height: 3; }"

            def compose(self) -> ComposeResult:
                yield Static("popup")

            def on_key(self, event: Key) -> None:
                event.stop()
                self.dismiss(None)

        class Small(Over, ModalScreen[None]):
            CSS = """
            Small { background: transparent; align: right bottom; }
            Small.over { align: left top; }
            Small > Static { width: 10; height: 3; }
            """

            def compose(self) -> ComposeResult:
                yield Static("small")

            def on_key(self, event: Key) -> None:
                event.stop()
                main = self.app.screen_stack[-2]
                if event.character == "n" and isinstance(main, Main):
                    main.go_on()
                else:
                    self.dismiss(None)

        class Other(Paced, Screen[None]):
            def compose(self) -> ComposeResult:
                yield Static("another screen")

            def on_key(self, event: Key) -> None:
                event.stop()
                self.dismiss(None)

        class Main(Paced, Screen[None]):
            CSS = f"""
            #scroll {{ height: {ROWS}; width: {COLUMNS}; scrollbar-size: 0 0; }}
            #picture {{ width: {COLUMNS}; height: {ROWS}; }}
            #below {{ height: 30; }}
            """
            number, typed = 0, ""

            def compose(self) -> ComposeResult:
                yield Static("first line")
                with VerticalScroll(id="scroll"):
                    yield Picture(id="picture")
                    yield Static(id="below")
                yield Static("the line below", id="line")
                yield Static(id="keys")

            def on_mount(self) -> None:
                self.query_one(Picture).show(blobs(0))
                self.tell()

            def tell(self) -> None:
                way = self.app._driver.terminal.words if isinstance(self.app._driver, PictureDriver) else ""
                self.query_one("#keys", Static).update(f"keys {self.typed}| {way} {self.number}", layout=False)

            def go_on(self) -> None:
                self.number += 1
                self.query_one("#picture", Picture).show(blobs(self.number))

            def on_key(self, event: Key) -> None:
                event.stop()
                picture = self.query_one("#picture", Picture) if self.query("#picture") else None
                match event.character or event.key:
                    case "n" if picture:
                        self.go_on()
                    case "b" if picture:
                        self.number += 1
                        picture.show(blobs(self.number, 240))
                    case "m":
                        self.app.push_screen(Popup())
                    case "o" | "c" as where:
                        self.app.push_screen(Small(classes="over" if where == "o" else ""))
                    case "s":
                        self.app.push_screen(Other())
                    case "t" if picture:
                        picture.styles.tint = "red 50%"
                    case "d":
                        self.query_one("#scroll").scroll_to(y=5, animate=False)
                    case "u" if picture:
                        picture.remove()
                    case "x":
                        raise RuntimeError("a crash")
                    case "q" | "\x03":
                        self.app.exit()
                    case other:
                        self.typed += other
                self.tell()

        class Pictures(App[None]):
            ENABLE_COMMAND_PALETTE = False

            def on_mount(self) -> None:
                self.push_screen(Main())

            def on_terminal_changed(self, message: TerminalChanged) -> None:
                if isinstance(self.screen, Main) and self.screen.is_mounted:
                    self.screen.tell()

        probe.gather()
        Pictures(driver_class=partial(PictureDriver, probe=probe)).run()  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
