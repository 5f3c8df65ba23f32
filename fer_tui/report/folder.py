"""The folder that a report is written into: checked before the work, filled in one go, never more than its own."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from fer_tui.contract import InputError
from fer_tui.writing import write_whole

from .manifest import MANIFEST, Manifest

_EACH, _REST = 1 << 20, 64 << 20  # bytes that a class takes at most, and all else with the store's growth


def check_folder(out: Path, classes: int, *, force: bool) -> None:
    """InputError where `out` cannot be written to, has too little room, or (without `force`) holds other files."""
    if out.exists() and not out.is_dir():
        raise InputError(out, "is a file", "name a folder")
    parent = out if out.is_dir() else out.parent
    if not parent.is_dir():
        raise InputError(out, f"there is no folder {parent}", "make it first")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(out, "cannot be written to" if out.is_dir() else f"folder {parent} cannot be written to")
    probe = parent / f".fer-tui.{secrets.token_hex(4)}"
    try:
        probe.write_bytes(b"x")
    except OSError as error:
        raise InputError(out, f"cannot be written to: {error.strerror}", "choose another folder") from None
    finally:
        probe.unlink(missing_ok=True)
    needed, free = classes * _EACH + _REST, shutil.disk_usage(parent).free
    if free < needed:
        fault = f"has {free >> 20} MB of room, and a report may take {needed >> 20} MB"
        raise InputError(out, fault, "make room, or choose another disk")
    if out.is_dir() and not force and (others := _others(out)):
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        raise InputError(out, f"holds files of another kind: {others[0]}{more}", "--force writes beside them")


def fill(out: Path, files: Mapping[str, bytes]) -> None:
    """Write all files, each whole or not at all, the manifest last; what an earlier report has left over goes."""
    out.mkdir(exist_ok=True)
    before = Manifest.read(out)
    if before is not None:
        (out / MANIFEST).unlink()  # from here on it is no finished report
        for name in before.files.keys() - files.keys():
            (out / name).unlink(missing_ok=True)
    for name in sorted(files, key=lambda each: (each == MANIFEST, each)):
        write_whole(out / name, files[name])


def _others(out: Path) -> list[str]:
    """The names in `out` that no earlier report has written."""
    before = Manifest.read(out)
    own = {MANIFEST, *before.files} if before is not None else set()
    return sorted(each.name for each in out.iterdir() if each.name not in own)
