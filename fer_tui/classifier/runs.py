"""The checkpoints of a training run: which files they are, and which have come since. Loads no torch."""

from __future__ import annotations

import glob
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fer_tui.contract import InputError, plain

from .formats import is_whole

RUN_FILE = "run.json"
SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt")
_WILD = re.compile(r"[*?[]")
Stamp = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """The files of a run in their order, and what was left out, in words.

    default: the number of the one that counts where none is named: the first of files that were named one by one, the
    last of a folder or pattern, which has been trained longest.
    """

    paths: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    default: int = 0


def snapshots(given: Sequence[Path]) -> Found:
    """The weights files that `given` name: files, folders of snapshots, patterns such as `run/*.pt`.

    A folder's or a pattern's files come in natural order (9 before 10); half-written ones are left out. Of a folder
    with files of several kinds only the longest row is taken: `epoch_1.pt`, `epoch_2.pt`, ... and not `best.pt`; of one
    that `fer-tui train` wrote, what its run.json lists.
    InputError where a folder or pattern has none.
    """
    paths: list[Path] = []
    notes: list[str] = []
    for each in given:
        if not is_open(each):
            paths.append(each)
            continue
        listed, said = _listed(each)
        whole = [path for path in listed if is_whole(path)]
        if not whole:
            fault = "has no weights that are whole" if listed else "has no weights"
            raise InputError(each, fault, f"understood are {', '.join(SUFFIXES)}")
        half = [path.name for path in listed if path not in whole]
        notes += [*said, *([f"not whole, and left out: {_some(half)}"] if half else [])]
        paths += whole
    found = tuple(dict.fromkeys(paths))
    return Found(found, tuple(notes), len(found) - 1 if any(map(is_open, given)) else 0)


def is_open(given: Path) -> bool:
    """Whether more files may come of it: a folder or a pattern, not a file."""
    return given.is_dir() or (bool(_WILD.search(str(given))) and not given.exists())


def has_files(given: Path) -> bool:
    """Whether a folder or a pattern has weights files, whole or not."""
    return is_open(given) and bool(_listed(given)[0])


def stamp_of(path: Path) -> Stamp:
    """Changes when the file does; InputError where it cannot be read."""
    try:
        about = path.stat()
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror}") from error
    return about.st_mtime_ns, about.st_size


class Watch:
    """Tells which files a run has got beside those that are known: once each, when they are whole and at rest.

    A file is at rest when it has not changed between two looks, for most programs write in place.
    """

    def __init__(self, given: Sequence[Path], known: Sequence[Path]) -> None:
        self._given = tuple(each for each in given if is_open(each))
        self._known = frozenset(known)
        self._told: dict[Path, Stamp] = {}
        self._seen: dict[Path, Stamp] = {}

    def look(self) -> tuple[Path, ...]:
        """The files that came to rest since the last look, in natural order."""
        now = self._stamps()
        found = [path for path, stamp in now.items() if stamp == self._seen.get(path) != self._told.get(path)]
        found = [path for path in found if is_whole(path)]
        self._told |= {path: now[path] for path in found}
        self._seen = now
        return tuple(found)

    def _stamps(self) -> dict[Path, Stamp]:
        stamps = {}
        for path in [path for each in self._given for path in _listed(each)[0] if path not in self._known]:
            with suppress(InputError):  # deleted again
                stamps[path] = stamp_of(path)
        return stamps


def natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Sorts names as people count: epoch9 before epoch10."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if number % 2 else (-1, part) for number, part in enumerate(parts)], str(path)


def _listed(given: Path) -> tuple[list[Path], list[str]]:
    """The weights files of a folder or pattern, whole or not, and what was left out."""
    if not given.is_dir():
        found = map(Path, glob.glob(str(given), recursive=True))  # noqa: PTH207 - a pattern may begin anywhere
        return sorted((path for path in found if path.suffix in SUFFIXES and path.is_file()), key=natural), []
    try:
        inside = [path for path in given.iterdir() if path.suffix in SUFFIXES and path.name[0] != "."]
        written = _written_by_train(given)
    except OSError as error:
        raise InputError(given, f"cannot be read: {error.strerror}") from error
    if written is not None:
        return [path for path in written[0] if path in inside], [written[1]]  # some may have been deleted since
    rows: defaultdict[str, list[Path]] = defaultdict(list)
    for path in sorted(inside, key=natural):
        rows[re.sub(r"\d+", "#", path.name)].append(path)
    longest = max(rows.values(), key=len, default=[])
    if len(longest) < 2:
        return sorted(inside, key=natural), []
    others = [path.name for path in sorted(inside, key=natural) if path not in longest]
    said = f"{longest[0].name} to {longest[-1].name} are the run; left out: {_some(others)}"
    return longest, [said] if others else []


def _written_by_train(folder: Path) -> tuple[list[Path], str] | None:
    """The snapshots that `fer-tui train` says it wrote, by epoch, and how far it is; None where it was not at work."""
    file = folder / RUN_FILE
    if not file.exists():
        return None
    try:
        told = json.loads(file.read_bytes())
        if told["format"] != "fer-tui-run":
            return None
        names = [each["snapshot"] for each in told["epochs"]]
        paths = [folder / name for name in names if name is not None and Path(name).name == name]
        state, planned = str(told.get("state", "of unknown state")), told.get("planned")
        of = f" of {planned}" if isinstance(planned, int) else ""
        return paths, f"a run of fer-tui train, {state}: epoch {max(0, len(names) - 1)}{of}"
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(file, "is damaged, or none of ours", "name the snapshots themselves: 'RUN/*.pt'") from error


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(map(plain, names[:4])) + more
