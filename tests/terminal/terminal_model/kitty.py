"""The terminal's side of kitty's graphics protocol: what is sent, kept, placed, deleted, and answered.

By https://sw.kovidgoyal.net/kitty/graphics-protocol/; direct transmission only, for files and shared memory do not
cross a network.
"""

from __future__ import annotations

import base64
import io
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
PLACEHOLDER = "\U0010eeee"
_LARGEST_CHUNK = 4096


@dataclass
class Placement:
    """Where a stored picture is shown: at a cell, or (virtual) wherever placeholder cells name it."""

    columns: int
    rows: int
    virtual: bool
    at: tuple[int, int] = (0, 0)  # column, row
    part: tuple[int, int, int, int] = (0, 0, 0, 0)  # x, y, width, height in the picture; 0 = all
    offset: tuple[int, int] = (0, 0)
    z: int = 0


@dataclass
class Stored:
    """A picture in the terminal's memory; pixels: uint8 (H, W, 4)."""

    pixels: Pixels
    number: int = 0
    placements: dict[int, Placement] = field(default_factory=dict)


@dataclass
class _Transmission:
    keys: dict[str, str]
    payload: list[bytes]


class KittyPictures:
    """The pictures of one screen. cell: its width and height in pixels; placeholders: kitty knows them from 0.28 on."""

    def __init__(self, cell: tuple[int, int], placeholders: bool = True) -> None:
        self.stored: dict[int, Stored] = {}
        self.sent = 0  # pictures ever transmitted
        self.faults: list[str] = []  # what was answered with an error, or would have been
        self._cell, self._placeholders = cell, placeholders
        self._open: _Transmission | None = None
        self._anonymous = 1 << 32

    @property
    def memory(self) -> int:
        """Bytes of pixels that the terminal holds."""
        return sum(each.pixels.nbytes for each in self.stored.values())

    def command(self, data: bytes, cursor: tuple[int, int]) -> tuple[bytes, tuple[int, int]]:
        """Obey an APC string ('G' first) at a cursor (column, row): the answer, and how far the cursor moves."""
        control, _, payload = data[1:].partition(b";")
        keys = dict(part.split("=", 1) for part in control.decode().split(",") if part)
        if len(payload) > _LARGEST_CHUNK:
            self.faults.append(f"a chunk of {len(payload)} bytes, more than {_LARGEST_CHUNK}")
        if self._open is not None:
            self._open.payload.append(payload)
            if keys.get("m") == "1":
                return b"", (0, 0)
            keys, payload, self._open = self._open.keys, b"".join(self._open.payload), None
        elif keys.get("m") == "1":
            self._open = _Transmission(keys, [payload])
            return b"", (0, 0)
        if "U" in keys and not self._placeholders:
            self.faults.append("EINVAL:the key U is not known")
            return b"", (0, 0)
        action = keys.get("a", "t")
        moved = (0, 0)
        try:
            if action in "tT":
                identity = self._transmit(keys, payload)
                if action == "T":
                    moved = self._place(identity, keys, cursor)
            elif action == "p":
                moved = self._place(self._named(keys), keys, cursor)
            elif action == "q":
                _pixels(keys, payload)
            elif action == "d":
                self._delete(keys, cursor)
                return b"", (0, 0)
            else:
                raise ValueError(f"EINVAL:action {action} is not modelled")
        except ValueError as error:
            if action != "q":
                self.faults.append(str(error))
            return (b"" if keys.get("q") == "2" else _answer(keys, str(error))), (0, 0)
        return (b"" if keys.get("q") in ("1", "2") else _answer(keys, "OK")), moved

    def clear(self) -> None:
        """Forget all."""
        self.stored.clear()
        self._open = None

    def of_placeholder(self, identity: int, placement: int) -> tuple[Pixels, Placement] | None:
        """The picture and virtual placement that a placeholder cell names; placement 0 = any."""
        picture = self.stored.get(identity)
        if picture is None:
            return None
        virtual = {name: each for name, each in picture.placements.items() if each.virtual}
        found = virtual.get(placement) if placement else next(iter(virtual.values()), None)
        return None if found is None else (picture.pixels, found)

    def placed(self) -> Iterator[tuple[Pixels, Placement]]:
        """The pictures that are shown at a cell, the lowest first, each cut to its part."""
        shown = [
            (cut(each.pixels, placement.part), placement)
            for each in self.stored.values()
            for placement in each.placements.values()
            if not placement.virtual
        ]
        yield from sorted(shown, key=lambda pair: pair[1].z)

    def _transmit(self, keys: dict[str, str], payload: bytes) -> int:
        if keys.get("t", "d") != "d":
            raise ValueError(f"EINVAL:medium {keys['t']} does not cross a network")
        pixels = _pixels(keys, payload)
        identity = int(keys.get("i", 0))
        if not identity:
            self._anonymous += 1
            identity = self._anonymous
        self.stored[identity] = Stored(pixels, int(keys.get("I", 0)))  # with it go the old picture's placements
        self.sent += 1
        return identity

    def _named(self, keys: dict[str, str]) -> int:
        if "i" in keys:
            identity = int(keys["i"])
        else:
            number = int(keys.get("I", 0))
            identity = next((i for i, each in reversed(self.stored.items()) if number and each.number == number), 0)
        if identity not in self.stored:
            raise ValueError(f"ENOENT:no picture {keys.get('i', keys.get('I'))}")
        return identity

    def _place(self, identity: int, keys: dict[str, str], cursor: tuple[int, int]) -> tuple[int, int]:
        picture = self.stored[identity]
        number = {name: int(keys.get(name, 0)) for name in "pxywhXYzcr"}
        shown = cut(picture.pixels, (number["x"], number["y"], number["w"], number["h"]))
        columns, rows = number["c"], number["r"]
        height, width = shown.shape[:2]
        if not columns and not rows:
            columns, rows = -(-(width + number["X"]) // self._cell[0]), -(-(height + number["Y"]) // self._cell[1])
        elif not rows:
            rows = max(1, -(-columns * self._cell[0] * height // (width * self._cell[1])))
        elif not columns:
            columns = max(1, -(-rows * self._cell[1] * width // (height * self._cell[0])))
        virtual = keys.get("U") == "1"
        name = number["p"] or -len(picture.placements) - 1
        part, offset = tuple(number[name] for name in "xywh"), (number["X"], number["Y"])
        picture.placements[name] = Placement(columns, rows, virtual, cursor, part, offset, number["z"])  # type: ignore[arg-type]
        return (0, 0) if virtual or keys.get("C") == "1" else (columns, rows - 1)

    def _delete(self, keys: dict[str, str], cursor: tuple[int, int]) -> None:
        what = keys.get("d", "a")
        number = {name: int(keys.get(name, 0)) for name in "iIpxyz"}
        low = what.lower()
        chosen: Callable[[int, Stored, int, Placement], bool]
        if low == "a":
            chosen = lambda identity, picture, name, each: not each.virtual  # noqa: E731
        elif low in "in":
            wanted = number["i"] if low == "i" else self._numbered(number["I"])
            chosen = lambda identity, picture, name, each: identity == wanted and number["p"] in (0, name)  # noqa: E731
        elif low == "r":
            chosen = lambda identity, picture, name, each: number["x"] <= identity <= number["y"]  # noqa: E731
        elif low in "cpq":
            cell = cursor if low == "c" else (number["x"] - 1, number["y"] - 1)
            chosen = lambda i, picture, n, each: _covers(each, *cell) and (low != "q" or each.z == number["z"])  # noqa: E731
        elif low in "xyz":
            chosen = {
                "x": lambda i, s, n, each: not each.virtual and 0 <= number["x"] - 1 - each.at[0] < each.columns,
                "y": lambda i, s, n, each: not each.virtual and 0 <= number["y"] - 1 - each.at[1] < each.rows,
                "z": lambda i, s, n, each: not each.virtual and each.z == number["z"],
            }[low]
        else:
            self.faults.append(f"no way to delete: {what}")
            return
        named = low in "inr"
        for identity, picture in list(self.stored.items()):
            gone = [name for name, each in picture.placements.items() if chosen(identity, picture, name, each)]
            for name in gone:
                del picture.placements[name]
            unplaced = named and not number["p"] and chosen(identity, picture, 0, Placement(0, 0, False))
            if what.isupper() and not picture.placements and (gone or unplaced):
                del self.stored[identity]

    def _numbered(self, number: int) -> int:
        return next((i for i, each in reversed(self.stored.items()) if number and each.number == number), -1)


def _covers(placement: Placement, column: int, row: int) -> bool:
    x, y = placement.at
    return not placement.virtual and 0 <= column - x < placement.columns and 0 <= row - y < placement.rows


def cut(pixels: Pixels, part: tuple[int, int, int, int]) -> Pixels:
    """A part (x, y, width, height; 0 = up to the end) of a picture."""
    x, y, width, height = part
    return pixels[y : y + height if height else None, x : x + width if width else None]


def _answer(keys: dict[str, str], text: str) -> bytes:
    named = ",".join(f"{name}={keys[name]}" for name in "iIp" if name in keys)
    return f"\x1b_G{named};{text}\x1b\\".encode() if named else b""


def _pixels(keys: dict[str, str], payload: bytes) -> Pixels:
    """The picture that was sent, uint8 (H, W, 4); ValueError with the terminal's error where it is none."""
    if not re.fullmatch(rb"[A-Za-z0-9+/]*={0,2}", payload):
        raise ValueError("EINVAL:payload is not base64")
    try:
        data = base64.b64decode(payload + b"=" * (-len(payload) % 4), validate=True)
        if keys.get("o") == "z":
            data = zlib.decompress(data)
    except (ValueError, zlib.error) as error:
        raise ValueError(f"EINVAL:{error}") from error
    how = int(keys.get("f", 32))
    if how == 100:
        try:
            with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
                return np.asarray(picture.convert("RGBA"))
        except (OSError, SyntaxError) as error:
            raise ValueError(f"EBADPNG:{error}") from error
    if how not in (24, 32):
        raise ValueError(f"EINVAL:format {how}")
    width, height, depth = int(keys.get("s", 0)), int(keys.get("v", 0)), how // 8
    if len(data) < width * height * depth or not width * height:
        raise ValueError(f"ENODATA:{len(data)} bytes for {width} x {height} x {depth}")
    pixels = np.frombuffer(data[: width * height * depth], np.uint8).reshape(height, width, depth)
    return pixels if depth == 4 else np.dstack((pixels, np.full((height, width), 255, np.uint8)))


# Where Unicode has added marks of class 230 since 6.0, for which the protocol has no number.
_NEWER = (
    (0x897, 0x8FF), (0x9FE, 0x9FE), (0x1AB0, 0x1AFF), (0x1CF4, 0x1CF9), (0x1DE7, 0x1DFB), (0xA674, 0xA67B),
    (0xA69E, 0xA69F), (0xFE27, 0xFE2F), (0x10376, 0x1037A), (0x10A39, 0x1D184), (0x1D245, 0x1FFFF),
)  # fmt: skip


def diacritics() -> dict[str, int]:
    """The combining marks that number rows and columns: class 230, in Unicode 6.0, and no part of a composed letter."""
    composed = {part for code in range(0xC0, 0x2300) for part in unicodedata.normalize("NFD", chr(code))[1:]}
    kept = [
        mark
        for mark in map(chr, range(0x300, 0x1D245))
        if unicodedata.combining(mark) == 230 and mark not in composed and not unicodedata.decomposition(mark)
    ]
    old = [mark for mark in kept if not any(first <= ord(mark) <= last for first, last in _NEWER)]
    return {mark: number for number, mark in enumerate(old)}
