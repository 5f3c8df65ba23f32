"""What a report's folder holds, by digest, what it was made from and with; and what differs when it is made again."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fer_tui.contract import InputError

MANIFEST = "manifest.json"
TOLERANCE = 0.01  # of a number's size, for numbers that were made on another machine
_SMALL = 0.005  # how far two numbers may lie apart, however small they are
_SHADES = 4.0  # of 255: how far two pictures may lie apart in the mean
_MADE_WITH = ("fer-tui", "torch", "numpy", "pillow", "scikit-image", "scikit-learn")
_FORMAT = 1
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_EMBEDDED = re.compile(r"data:image/[a-z+]+;base64,[A-Za-z0-9+/=]+")


@dataclass(frozen=True, slots=True)
class Manifest:
    """asked: see Asked. inputs: digests of network and data. versions: by distribution. files: digests by name."""

    asked: Mapping[str, Any]
    inputs: Mapping[str, str]
    versions: Mapping[str, str]
    files: Mapping[str, str]

    @classmethod
    def of(cls, asked: Mapping[str, Any], inputs: Mapping[str, str], files: Mapping[str, bytes]) -> Manifest:
        versions = {name: version(name) for name in _MADE_WITH}
        return cls(asked, inputs, versions, {name: digest_of(content) for name, content in sorted(files.items())})

    def to_json(self) -> bytes:
        told = {
            "format": _FORMAT,
            "asked": dict(self.asked),
            "inputs": dict(self.inputs),
            "versions": dict(self.versions),
            "files": dict(self.files),
        }
        return (json.dumps(told, indent=1) + "\n").encode()

    @classmethod
    def read(cls, out: Path) -> Manifest | None:
        """The manifest of a finished report, None where there is none; InputError where it cannot be read."""
        try:
            told = json.loads((out / MANIFEST).read_bytes())
            if told["format"] != _FORMAT:
                raise ValueError("another fer-tui wrote it")
            files = {str(name): str(digest) for name, digest in told["files"].items()}
            if any(Path(name).name != name for name in files):
                raise ValueError("it names files elsewhere")
            return cls(told["asked"], told["inputs"], told["versions"], files)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(out / MANIFEST, f"is no manifest of a report: {error}", "make the report again") from None


def digest_of(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def changed(out: Path, manifest: Manifest) -> Iterator[str]:
    """What is no longer as it was written."""
    for name, digest in manifest.files.items():
        try:
            content = (out / name).read_bytes()
        except OSError as error:
            yield f"{name}: {error.strerror or error}"
            continue
        if digest_of(content) != digest:
            yield f"{name}: changed since it was written"


def compared(out: Path, manifest: Manifest, made: Mapping[str, bytes]) -> Iterator[tuple[str, bool]]:
    """(name and what differs, whether that is within the tolerance) for each file that is made otherwise now."""
    for name in sorted(manifest.files.keys() | (made.keys() - {MANIFEST})):
        if name not in made:
            yield f"{name}: is not made any more", False
        elif name not in manifest.files:
            yield f"{name}: is new", False
        elif digest_of(made[name]) != manifest.files[name]:
            yield _difference(name, (out / name).read_bytes(), made[name])


def _difference(name: str, before: bytes, now: bytes) -> tuple[str, bool]:
    if name.endswith((".jpg", ".png")):
        one, two = (np.asarray(Image.open(io.BytesIO(each)).convert("RGB"), np.float64) for each in (before, now))
        if one.shape != two.shape:
            return f"{name}: another size", False
        apart = float(np.abs(one - two).mean())
        return f"{name}: differs by {apart:.3f} of 255 in the mean", apart <= _SHADES
    if name.endswith(".pdf"):
        return f"{name}: differs", False
    texts = [_EMBEDDED.sub("", each.decode("utf-8", "replace")) for each in (before, now)]
    if _NUMBER.sub("#", texts[0]) != _NUMBER.sub("#", texts[1]):
        return f"{name}: its words differ", False
    pairs = [(float(a), float(b)) for a, b in zip(*(_NUMBER.findall(text) for text in texts), strict=True) if a != b]
    worst = max((abs(a - b) for a, b in pairs), default=0.0)
    near = all(abs(a - b) <= max(_SMALL, TOLERANCE * max(abs(a), abs(b))) for a, b in pairs)
    return f"{name}: {len(pairs)} numbers differ, by {worst:.3g} at most", near
