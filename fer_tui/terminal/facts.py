"""What a terminal can show: its answers, its surroundings, and the way to draw that follows from them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from . import tmux
from .replies import Reply
from .tmux import Outer

WAYS = ("auto", "kitty", "sixel", "blocks", "quadrants", "sextants", "octants", "none", "textual-image")
VARIABLE = "FER_TUI_GRAPHICS"
USUAL_CELL = (8, 16)  # pixels, where the terminal does not tell
_PLACEHOLDERS = {"kitty": (0, 28), "ghostty": (1, 0)}  # since when Unicode placeholders are understood
_TRUE_COLOUR = ("kitty", "ghostty", "foot", "wezterm", "iterm2", "konsole", "contour", "mlterm", "alacritty", "rio")
_TRUE_COLOUR_TERMS = ("kitty", "ghostty", "foot", "wezterm", "alacritty", "contour", "direct", "iterm", "rio")
_WITHOUT_SIXEL = ("kitty", "ghostty", "alacritty", "tmux")
_SIXEL = 4  # among the attributes of DA1


@dataclass(frozen=True, slots=True)
class Answers:
    """What the terminal answered so far.

    name: as it tells it, "kitty(0.41.1)". kitty: it takes pictures by kitty's protocol. attributes: DA1's.
    cell: width and height in pixels, (0, 0): not told. registers: colours of a sixel picture, 0: not told.
    largest: width and height of a sixel picture. complete: the sentinel, which is asked for last, has come.
    """

    name: str = ""
    kitty: bool = False
    attributes: frozenset[int] = frozenset()
    cell: tuple[int, int] = (0, 0)
    registers: int = 0
    largest: tuple[int, int] = (0, 0)
    true_colour: bool = False
    complete: bool = False

    def with_replies(self, replies: Iterable[Reply], size: tuple[int, int]) -> Answers:
        """These and more. size: columns and rows of the terminal."""
        answers = self
        for reply in replies:
            answers = answers._with(reply, size)
        return answers

    def _with(self, reply: Reply, size: tuple[int, int]) -> Answers:
        numbers = [int(number) for number in re.findall(r"\d+", reply.text)]
        match reply.kind:
            case "kitty":
                return replace(self, kitty=self.kitty or reply.text.endswith(";OK"))
            case "version":
                return replace(self, name=reply.text)
            case "colour":
                return replace(self, true_colour=re.search(r"48[:;]2[:;]+1[:;]2[:;]3", reply.text) is not None)
            case "attributes":
                return replace(self, attributes=frozenset(numbers), complete=True)
            case "sixel" if numbers[:2] == [1, 0] and len(numbers) == 3:
                return replace(self, registers=numbers[2])
            case "sixel" if numbers[:2] == [2, 0] and len(numbers) == 4:
                return replace(self, largest=(numbers[2], numbers[3]))
            case "window" if numbers[0] == 6 and all(numbers):
                return replace(self, cell=(numbers[2], numbers[1]))
            case "window" if numbers[0] == 4 and all((*numbers, *size)) and self.cell == (0, 0):
                return replace(self, cell=(numbers[2] // size[0], numbers[1] // size[1]))
        return self


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal and the way in which pictures are drawn on it. wanted: one of WAYS."""

    wanted: str = "auto"
    answers: Answers = field(default_factory=Answers)
    outer: Outer | None = None
    in_tmux: bool = False
    over_ssh: bool = False
    plain: bool = False  # NO_COLOR, a browser: blocks and nothing else
    pixels: tuple[int, int] = (0, 0)  # of a cell, as the system tells it

    @classmethod
    def around(cls, env: Mapping[str, str], wanted: str = "auto") -> Terminal:
        """What the environment tells."""
        return cls(
            wanted=wanted,
            in_tmux=tmux.inside(env),
            over_ssh=any(env.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT")),
            plain=bool(env.get("NO_COLOR")),
        )

    @property
    def way(self) -> str:
        """How to draw: one of WAYS, never "auto"."""
        if self.plain and self.wanted != "none":
            return "blocks"
        if self.wanted != "auto":
            return self.wanted
        if self._has_placeholders:
            return "kitty"
        return "sixel" if self._has_sixel else "blocks"

    @property
    def drawing(self) -> tuple[object, ...]:
        """All that pictures depend on: while it is the same, what was sent is still there."""
        outer = self.outer.client if self.outer is not None else ""
        return self.way, self.cell, self.answers.registers, self.answers.largest, outer

    @property
    def cell(self) -> tuple[int, int]:
        """Width and height of a cell in pixels."""
        return next((size for size in (self.answers.cell, self.pixels) if all(size)), USUAL_CELL)

    @property
    def true_colour(self) -> bool:
        """Whether colours of 24 bits are known to be shown, whatever the environment says."""
        if self.in_tmux:
            return self.outer is not None and "RGB" in self.outer.features
        return self.answers.true_colour or _name_and_version(self.answers.name)[0] in _TRUE_COLOUR

    @property
    def hint(self) -> str:
        """What the user could set to see better pictures, '' where there is nothing."""
        outer = self.outer
        if self.in_tmux and outer is not None and not outer.passthrough and _understands(outer.termtype):
            return tmux.ALLOW
        return ""

    @property
    def words(self) -> str:
        """The way and the hops, as in kitty/ssh/tmux."""
        hops = [hop for hop, there in (("ssh", self.over_ssh), ("tmux", self.in_tmux)) if there]
        return "/".join([self.way, *hops])

    @property
    def _has_placeholders(self) -> bool:
        if self.in_tmux:
            return self.outer is not None and self.outer.passthrough and _understands(self.outer.termtype)
        return self.answers.kitty and _understands(self.answers.name)

    @property
    def _has_sixel(self) -> bool:
        if self.in_tmux and (self.outer is None or "sixel" not in self.outer.features or self._outer_lacks_sixel):
            return False
        return _SIXEL in self.answers.attributes

    @property
    def _outer_lacks_sixel(self) -> bool:
        """Whether tmux is told, by a line for all terminals, that this one draws sixels, which it does not."""
        return self.outer is not None and _name_and_version(self.outer.termtype)[0] in _WITHOUT_SIXEL


def true_colour_by_name(term: str) -> bool:
    """Whether a terminal of this TERM shows colours of 24 bits: ssh passes TERM on, but not COLORTERM."""
    return any(name in term for name in _TRUE_COLOUR_TERMS)


def _understands(name: str) -> bool:
    """Whether the terminal of this name and version knows Unicode placeholders."""
    found, version = _name_and_version(name)
    return found in _PLACEHOLDERS and version >= _PLACEHOLDERS[found]


def _name_and_version(text: str) -> tuple[str, tuple[int, ...]]:
    """("kitty", (0, 41, 1)) of "kitty(0.41.1)"."""
    name = re.match(r"[A-Za-z]+[0-9]?(?=$|[^A-Za-z0-9])", text)
    version = re.search(r"\d+(?:\.\d+)+", text)
    return (name[0].lower() if name else "", tuple(map(int, version[0].split("."))) if version else ())
