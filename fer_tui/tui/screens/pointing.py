"""The value cursor: keys that move a point over the heat map."""

from __future__ import annotations

from typing import ClassVar

from fer_tui.tui.keys import Command
from fer_tui.tui.pointing import Pointer
from fer_tui.tui.widgets.picture_pane import PicturePane

from .looking import Looking

_FAR = 1 << 16
_SOON = "no map yet: the point goes to its strongest pixel"
_NONE = "there is no heat map to read values of"
_MOVES = {
    "up": (-1, 0),
    "down": (1, 0),
    "left": (0, -1),
    "right": (0, 1),
    "page-up": (-8, 0),
    "page-down": (8, 0),
    "first": (-_FAR, -_FAR),
    "last": (_FAR, _FAR),
}


class Pointing(Looking):
    """A screen with a heat map in a pane: while there is a pointer, keys that move the cursor move it."""

    MOVES: ClassVar[dict[str, tuple[int, int]]] = _MOVES

    @property
    def explained_pane(self) -> PicturePane:
        return self.query_one("#explained", PicturePane)

    def do(self, command: Command) -> None:
        """What moves elsewhere moves the pointer, while there is one; Esc takes it away."""
        name, pane = command.binding.id, self.explained_pane
        if pane.pointer is not None and not pane.is_on_screen:  # another pane has its place
            self._point(None)
        if pane.pointer is None or not (name in self.MOVES or name == "cancel"):
            super().do(command)
        elif name == "cancel":
            self._point(None)
        elif self.heatmap is not None:
            down, right = self.MOVES[name]
            pane.pointer.move(down * command.times, right * command.times, self.heatmap.values.shape)
            self.looked()
        else:
            self.say(_SOON if self._map_comes else f"{_NONE}: Esc takes the point away")

    def do_value(self, command: Command) -> None:
        if self.explained_pane.pointer is not None:
            self._point(None)
        elif not self.explained_pane.is_on_screen:
            self.say("the picture is not shown: Tab goes to it")
        elif self.heatmap is not None or self._map_comes:
            self._point(Pointer(seeks=True))
            if self.heatmap is None:
                self.say(_SOON)
        else:
            self.say(_NONE)

    @property
    def _map_comes(self) -> bool:
        """Whether a heat map is being made, of which nothing is there yet."""
        method = self.desk.choice.method
        return self.asking.is_working and method is not None and method.kind == "heatmap"

    def _point(self, pointer: Pointer | None) -> None:
        self.explained_pane.point(pointer)
        self.looked()

    def on_picture_pane_pointed(self, message: PicturePane.Pointed) -> None:
        """The mouse is over a point, or has chosen one."""
        if self.heatmap is None or (self.explained_pane.pointer is None and not message.chosen):
            return
        height, width = self.heatmap.values.shape
        pointer = Pointer(int(message.down * height), int(message.right * width))
        if pointer != self.explained_pane.pointer:
            self._point(pointer)
