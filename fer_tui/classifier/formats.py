"""What a weights file is, from its first bytes: nothing of it is run or unpickled here."""

from __future__ import annotations

import json
import struct
import zipfile
from enum import StrEnum
from pathlib import Path

from fer_tui.contract import InputError, nearest

_TORCH_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # the first pickle of torch.save before 1.6
_SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".tar", ".bin", ".pkl", ".model")


class Format(StrEnum):
    """The formats that can be read."""

    SAFETENSORS = "safetensors"
    TORCH = "torch.save"
    LEGACY = "torch.save before 1.6"
    PICKLE = "plain pickle"
    TORCHSCRIPT = "TorchScript"
    EXPORTED = "torch.export (.pt2)"


_REFUSED = {
    Format.TORCHSCRIPT: "its layers cannot be hooked, so nothing inside it can be explained",
    Format.EXPORTED: "loading it can run code, and its layers cannot be hooked",
}


def sniffed(path: Path) -> Format:
    """The format of `path`; InputError where it is missing, unreadable or nothing that holds weights."""
    head, size = _head(path)
    if head.startswith(b"version https://git-lfs"):
        raise InputError(path, "is a Git LFS pointer, not the weights", "run `git lfs pull` in its repository")
    if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise InputError(path, "is a web page, not weights", "download the file itself, not the page about it")
    if head.startswith(b"PK"):
        return _zip_format(path)
    if head.startswith(_TORCH_MAGIC):
        return Format.LEGACY
    if head[8:9] == b"{":
        return _safetensors(path, head, size)
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05":
        return Format.PICKLE
    kind, mend = _other(head, path)
    raise InputError(path, kind, mend)


def refuse_archives(path: Path, kind: Format) -> None:
    """InputError for the archives that hold a program and not only weights."""
    if kind in _REFUSED:
        mend = "save model.state_dict() and open it with the model's Python class"
        raise InputError(path, f"is a {kind} archive, which is refused: {_REFUSED[kind]}", mend)


def is_whole(path: Path) -> bool:
    """Whether the file is one of weights that was written to its end, as far as its format tells."""
    try:
        if sniffed(path) is not Format.SAFETENSORS:
            return True  # a torch.save archive has its list of contents at its end, and without that was refused
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            entries = json.loads(file.read(length))
        ends = [entry["data_offsets"][1] for name, entry in entries.items() if name != "__metadata__"]
        return bool(path.stat().st_size == 8 + length + max(ends, default=0))
    except (InputError, OSError, ValueError, KeyError, TypeError, IndexError, struct.error):
        return False


def _head(path: Path) -> tuple[bytes, int]:
    try:
        if path.is_dir():
            inside = sorted(file.name for file in path.iterdir() if file.suffix in _SUFFIXES)
            mend = f"name a file in it, such as {inside[0]}" if inside else "name the weights file"
            raise InputError(path, "is a folder, not a weights file", mend)
        if path.exists() and not path.is_file():  # reading a pipe would wait for somebody who writes
            raise InputError(path, "is no file, but a pipe or a device", "name the weights file")
        with path.open("rb") as file:
            head = file.read(512)
        size = path.stat().st_size
    except FileNotFoundError:
        beside = list(path.parent.iterdir()) if path.parent.is_dir() else []
        others = [file.name for file in beside if file.suffix in _SUFFIXES or file.is_dir()]
        raise InputError(path, f"no such file{nearest(path.name, others)}") from None
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror}") from error
    if not head:
        raise InputError(path, "is empty", "save or download it again")
    return head, size


def _zip_format(path: Path) -> Format:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        raise InputError(path, "is truncated or damaged", "copy or download it again") from None
    inner = {name.partition("/")[2] or name for name in names}
    if "constants.pkl" in inner:
        return Format.TORCHSCRIPT
    if "archive_format" in inner or any(name.endswith("exported_program.json") for name in inner):
        return Format.EXPORTED
    if "data.pkl" in inner:
        return Format.TORCH
    if names and all(name.endswith(".npy") for name in names):
        raise InputError(path, "is a NumPy archive, not weights", "it may be the data: --data")
    raise InputError(path, "is a zip archive without torch weights", "unpack it and name the weights file in it")


def _safetensors(path: Path, head: bytes, size: int) -> Format:
    (length,) = struct.unpack("<Q", head[:8])
    if length > min(size - 8, 100_000_000):
        if path.suffix != ".safetensors":
            raise InputError(path, *_other(head, path))
        raise InputError(path, "is truncated or damaged", "copy or download it again")
    return Format.SAFETENSORS


def _other(head: bytes, path: Path) -> tuple[str, str]:
    again = "copy or download it again"
    if path.suffix == ".safetensors":
        return "is truncated or damaged", again
    if head.startswith(b"\x89HDF"):
        return "is an HDF5 file (Keras?), not torch weights", "only PyTorch networks can be opened"
    if head.startswith(b"\x93NUMPY"):
        return "is a NumPy array, not weights", "it may be the data: --data"
    if head.startswith((b"\x1f\x8b", b"BZh", b"7z\xbc\xaf", b"Rar!", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")):
        return "is a compressed archive", "unpack it and name the weights file in it"
    if head[257:262] == b"ustar":
        return "is a tar archive", "unpack it and name the weights file in it"
    if path.suffix in (".onnx", ".pb", ".tflite", ".keras", ".h5", ".mlmodel"):
        return f"is a {path.suffix} model, not torch weights", "only PyTorch networks can be opened"
    if head.lstrip()[:1] == b"{":
        return "is JSON, not weights", "name the .safetensors or .pt file beside it"
    return "is no weights file", "fer-tui opens .safetensors and what torch.save wrote (.pt, .pth, .ckpt)"
