"""What a report's folder holds, by digest, what it was made from and with."""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fer_tui import plugins
from fer_tui.contract import FerTuiError, InputError

from .asked import Asked, Guest

MANIFEST = "manifest.json"
_MADE_WITH = ("fer-tui", "torch", "numpy", "pillow", "scikit-image", "scikit-learn")
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """asked: see Asked. inputs: digests of network and data. versions: by distribution. files: digests by name."""

    asked: Mapping[str, Any]
    inputs: Mapping[str, str]
    versions: Mapping[str, str]
    files: Mapping[str, str]

    @classmethod
    def of(cls, asked: Asked, inputs: Mapping[str, str], files: Mapping[str, bytes]) -> Manifest:
        digests = {name: digest_of(content) for name, content in sorted(files.items())}
        return cls(asked.to_dict(), inputs, versions_here(asked.guests), digests)

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


def versions_here(guests: Sequence[Guest] = ()) -> dict[str, str]:
    """Of what a report is made with, in this process, and of the distributions that bring its guests."""
    versions = {"python": platform.python_version(), **{name: version(name) for name in _MADE_WITH}}
    for guest in guests:
        with contextlib.suppress(FerTuiError):
            origin = plugins.origin(plugins.resolve(guest.method)[0])
            if origin.distribution:
                versions.setdefault(origin.distribution, origin.version)
    return versions


def digest_of(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
