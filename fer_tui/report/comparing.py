"""What differs between a report's files and the same made again, and whether that is more than rounding.

Another processor, or another number of threads in its libraries, sums in another order, and then a network's last
digits differ: numbers and pictures are compared, not bytes.
"""

from __future__ import annotations

import base64
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from .manifest import MANIFEST, Manifest, digest_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.float64]

TOLERANCE = 0.01  # of a number's size
_SMALL = 0.02  # how far two numbers may lie apart, however small they are: many are told to two digits
_SHADES = 4.0  # of 255: how far two pictures, or two colours, may lie apart in the mean
TOLERANCE_TOLD = f"numbers to {TOLERANCE:.0%} or {_SMALL}, pictures to {_SHADES:g} of 255 in the mean"

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_EMBEDDED = re.compile(r"data:image/[a-z+]+;base64,([A-Za-z0-9+/=]+)")
_COLOUR = re.compile(r"#([0-9a-f]{6})\b")
_INK = re.compile(r"([\d.]+) ([\d.]+) ([\d.]+) (?:rg|RG)\b")
_STREAM = re.compile(rb"<< (?:/Type /XObject [^>]*/Width (\d+) /Height (\d+) [^>]*)?/Length (\d+) >>\nstream\n")


@dataclass(frozen=True, slots=True)
class Difference:
    """One file that is made otherwise now. near: within the tolerance."""

    name: str
    told: str
    near: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.told}"


def changed(out: Path, manifest: Manifest) -> Iterator[Difference]:
    """The files that are no longer as they were written."""
    for name, digest in manifest.files.items():
        try:
            content = (out / name).read_bytes()
        except OSError as error:
            yield Difference(name, error.strerror or str(error))
            continue
        if digest_of(content) != digest:
            yield Difference(name, "changed since it was written")


def compared(out: Path, manifest: Manifest, made: Mapping[str, bytes]) -> Iterator[Difference]:
    """The files that are made otherwise now."""
    for name in sorted(manifest.files.keys() | (made.keys() - {MANIFEST})):
        if name not in made:
            yield Difference(name, "is not made any more")
        elif name not in manifest.files:
            yield Difference(name, "is new")
        elif digest_of(made[name]) != manifest.files[name]:
            yield _difference(name, (out / name).read_bytes(), made[name])


def _difference(name: str, before: bytes, now: bytes) -> Difference:
    (text, pictures), (other, others) = _taken_apart(before), _taken_apart(now)
    if _NUMBER.sub("#", text) != _NUMBER.sub("#", other):
        return Difference(name, "its words differ")
    if [each.shape for each in pictures] != [each.shape for each in others]:
        return Difference(name, "its pictures have other sizes")
    pairs = zip(_NUMBER.findall(text), _NUMBER.findall(other), strict=True)
    numbers = [(float(a), float(b)) for a, b in pairs if a != b]
    shades = [float(np.abs(a - b).mean()) for a, b in zip(pictures, others, strict=True) if not np.array_equal(a, b)]
    told = []
    if numbers:
        told.append(f"{len(numbers)} numbers differ, by {max(abs(a - b) for a, b in numbers):.3g} at most")
    if shades:
        told.append(f"{len(shades)} pictures or colours differ, by {max(shades):.3g} of 255 at most in the mean")
    near = all(abs(a - b) <= max(_SMALL, TOLERANCE * max(abs(a), abs(b))) for a, b in numbers)
    return Difference(
        name, " and ".join(told) or "is encoded otherwise", near and all(each <= _SHADES for each in shades)
    )


def _taken_apart(content: bytes) -> tuple[str, list[Pixels]]:
    """A file's text, and its pictures and colours, in order."""
    if content.startswith((b"\xff\xd8", b"\x89PNG")):
        return "", [np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), np.float64)]
    if content.startswith(b"%PDF"):
        return _of_pdf(content)
    text, pictures = content.decode("utf-8", "replace"), []
    for found in _EMBEDDED.finditer(text):
        inner, shown = _taken_apart(base64.b64decode(found[1]))
        text += inner
        pictures += shown
    text = _EMBEDDED.sub("", text)
    pictures += [
        np.frombuffer(bytes.fromhex(found[1]), np.uint8).astype(np.float64) for found in _COLOUR.finditer(text)
    ]
    return _COLOUR.sub("", text), pictures


def _of_pdf(content: bytes) -> tuple[str, list[Pixels]]:
    """Of a file that `pdf` has written."""
    text, pictures = "", []
    for found in _STREAM.finditer(content):
        stream = content[found.end() : found.end() + int(found[3])]
        if found[1] is None:
            told = stream.decode("cp1252", "replace")
            pictures += [255 * np.array(each.groups()[:3], np.float64) for each in _INK.finditer(told)]
            text += _INK.sub("", told)
        else:
            pixels = np.frombuffer(zlib.decompress(stream), np.uint8)
            pictures.append(pixels.reshape(int(found[2]), int(found[1]), 3).astype(np.float64))
    return text, pictures
