"""Opens a dataset: finds out what it is, has it parsed once, and maps what was parsed."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from fer_tui.contract import InputError, nearest
from fer_tui.folders import cache_folder
from fer_tui.specs import load_named

from . import builtin, listing, live, npz, parquet, path_csv, picture_files, pixel_csv, shards, tables, webdataset
from .classes import are_numbers
from .layout import FOLDER, VERSION, NoRoom, Rows, Tell, Writer
from .mapped import MappedDataset, map_dataset
from .pictures import SUFFIXES, read_picture

_UNDERSTOOD = (
    "understood are .csv, .npz, .npy, .parquet, .tar (WebDataset), pictures, folders of them, file.py:name, and "
    "builtin:faces"
)
_SCRATCH = re.compile(r"parsing-(\d+)-\w+")


def open_dataset(
    source: Any,
    *,
    split: str | None = None,
    limit: int | None = None,
    classes: Sequence[str] | None = None,
    cache: str | Path | None = None,
    progress: Tell | None = None,
) -> MappedDataset:
    """Open images with their labels.

    source: fer2013.csv and its relatives, a CSV of paths and labels, .npz, .npy, Parquet files, WebDataset tars (one, a
    folder of them, or a pattern such as `x-{000..123}.tar`), a picture, a folder of pictures or of class folders,
    `file.py:name`, `builtin:faces`, `builtin:samples`; or a live torch dataset, arrays (images, labels),
    a mapping of both.
    split, limit: only the first `limit` rows of that split. classes: names for labels that are mere numbers, else the
    order that labels are to have. cache: a folder instead of the user's cache folder; "none": nothing stays on disk.
    InputError names file, row or key, and the mend.
    """
    if isinstance(source, MappedDataset):
        opened = source.narrowed(split, limit)
    else:
        tell = progress or (lambda text, share: None)
        if limit is not None and limit < 1:
            raise InputError(f"limit {limit}", "there is nothing left to open", "give a number from 1 on")
        with _reading(source):
            folder = (Path(cache) if cache is not None else cache_folder()) / FOLDER if cache != "none" else None
            opened = _Opening(source, limit, tell, folder).opened().narrowed(split, limit)
    if classes is None:
        return opened
    return opened.named(classes) if are_numbers(opened.classes) else opened.aligned(classes)


class _Opening:
    """One source on its way to a folder of parsed files. folder: for those of all sources, None for a temporary one."""

    def __init__(self, source: Any, limit: int | None, tell: Tell, folder: Path | None) -> None:
        self._source, self._tell, self._folder = source, tell, folder
        self._parse: Callable[[Writer], Rows]
        self._stamp: str | None = None  # what the parsed files are known by; None: by their contents
        self._looked_through: listing.Folders = []  # of pictures, now
        if not isinstance(source, str | Path):
            self.name = "live dataset"
            self._parse = lambda writer: live.parse(source, self.name, limit, writer, tell)
        elif (name := builtin.builtin_name(source)) is not None:
            self._open_builtin(str(source), name)
        elif re.search(r"\.py:[\w.]+$", str(source)):
            self.name = str(source)
            self._parse = lambda writer: live.parse(load_named(self.name, "data"), self.name, limit, writer, tell)
        else:
            self._open_file(Path(source).expanduser())

    def opened(self) -> MappedDataset:
        """What was parsed before, else what is parsed now, in the folder if that can be had."""
        dataset = self._mapped()
        if self._looked_through:
            listing.remember(dataset.folder, self._looked_through)
        return dataset

    def _mapped(self) -> MappedDataset:
        folder = self._folder
        if folder is None:
            return self._temporary()
        if self._stamp is not None:
            with contextlib.suppress(InputError):
                return map_dataset(folder / self._stamp)
        try:
            parsed = self._into(folder)
        except (OSError, NoRoom) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return self._temporary(f"{folder} cannot be written ({reason}): the data are parsed anew each time")
        with contextlib.suppress(InputError):
            return map_dataset(parsed)
        return self._temporary()  # the file has changed since, and another process has deleted what was parsed

    def _open_builtin(self, source: str, name: str) -> None:
        if name == "samples":
            self._open_file(builtin.samples())
            return
        self.name = source
        self._parse, self._stamp = (
            lambda writer: builtin.parse_faces(writer, self._tell),
            _stamp(source, builtin.stamp()),
        )

    def _open_file(self, path: Path) -> None:
        if path.is_dir() and self._is_known(path.resolve()):
            self.name = path.name or str(path.resolve())
            self._parse = lambda writer: self._listed(path)(writer)
            return
        found = shards.shards_of(path)
        if found:
            self._open_shards(path, found)
            return
        if not path.exists():
            beside = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
            raise InputError(path, f"no such file or folder{nearest(path.name, beside)}")
        self.name = path.name or str(path.resolve())
        suffix = path.suffix.lower()
        if path.is_dir():
            self._parse = self._listed(path)
            return
        if path.stat().st_size == 0:
            raise InputError(path, "is empty", "get the file again")
        stat = path.stat()
        self._stamp = _stamp(path.resolve(), f"{stat.st_size} {stat.st_mtime_ns}")
        if suffix == ".csv":
            header = tables.read_header(path)
            if "pixels" in header.columns:
                self._parse = lambda writer: pixel_csv.parse(path, header, writer, self._tell)
            elif self._is_known(path.resolve()):
                self._parse = lambda writer: self._named(path, header)(writer)
            else:
                self._parse = self._named(path, header)
        elif suffix in (".npz", ".npy"):
            self._parse = lambda writer: npz.parse(path, writer, self._tell)
        elif suffix in SUFFIXES:
            read_picture(path)  # so that a fault is told now
            self._parse = self._pictures(picture_files.parse_picture(path))
        elif shards.is_compressed(path.name):
            raise webdataset.compressed(path)
        else:
            mend = "unpack it first" if suffix in {".zip", ".gz", ".tar", ".tgz", ".xz", ".7z"} else _UNDERSTOOD
            raise InputError(path, f"{suffix or 'a file without a suffix'} is not understood", mend)

    def _is_known(self, root: Path) -> bool:
        """Whether a folder or table of many pictures is parsed and unchanged, so that it need not be gone through."""
        of_path = _stamp(root, "").partition("-")[0]
        for parsed in self._folder.glob(f"{of_path}-*") if self._folder is not None else ():
            if listing.is_unchanged(parsed):
                self._stamp = parsed.name
                return True
        return False

    def _listed(self, path: Path) -> Callable[[Writer], Rows]:
        """List a folder of pictures."""
        rows, self._looked_through = picture_files.parse_folder(path, self._tell)
        self._stamp = _stamp(path.resolve(), _contents(rows))
        return self._pictures(rows)

    def _named(self, path: Path, header: tables.Header) -> Callable[[Writer], Rows]:
        """Look for the pictures that a table names."""
        began, changed = time.time_ns(), path.stat().st_mtime_ns
        rows = path_csv.parse(path, header, self._tell)
        self._looked_through = listing.settled([(str(path.resolve()), changed)], began)
        self._stamp = _stamp(path.resolve(), _contents(rows) + str(changed))
        return self._pictures(rows)

    def _open_shards(self, path: Path, found: list[Path]) -> None:
        self.name, root = path.name, path.resolve() if path.is_dir() else None
        if root is not None:
            self.name, found = root.name, [each.resolve() for each in found]
        parser = parquet.parse if found[0].suffix.lower() == ".parquet" else webdataset.parse
        self._parse = lambda writer: parser(found, root, self._tell)
        self._stamp = _stamp(path.absolute(), shards.stamp_of(found).hex())

    def _pictures(self, rows: Rows) -> Callable[[Writer], Rows]:
        return lambda writer: picture_files.with_shape(rows)

    def _temporary(self, *notes: str) -> MappedDataset:
        owner = tempfile.TemporaryDirectory(prefix="fer-tui-", ignore_cleanup_errors=True)
        try:
            return map_dataset(self._into(Path(owner.name)), notes=notes, owner=owner)
        except (OSError, NoRoom) as error:
            owner.cleanup()
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(owner.name, f"cannot be written: {reason}", "name a folder with room by --cache") from None

    def _into(self, folder: Path) -> Path:
        """Parse into a folder of its own below `folder`, which has its name only when it is whole."""
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        scratch = Path(tempfile.mkdtemp(prefix=f"parsing-{os.getpid()}-", dir=folder))
        try:
            with Writer(scratch) as writer:
                with _reading(self._source):
                    rows = self._parse(writer)
                digest = writer.finish(rows, self.name)
            target = folder / (self._stamp or f"live-{digest}")
            _move(scratch, target)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        if self._stamp is not None:
            _forget_older(target)
        return target


def _stamp(source: Path | str, contents: str) -> str:
    """The name of the folder with the parsed files: of the path or name, then of what is there now."""
    of_path = blake2b(os.fsencode(source), digest_size=8).hexdigest()
    return f"{of_path}-{blake2b(f'{VERSION} {contents}'.encode(), digest_size=8).hexdigest()}"


def _contents(rows: Rows) -> str:
    """What images that stay where they are, are known by."""
    assert rows.elsewhere is not None
    return rows.elsewhere.stamp.hex()


def _move(scratch: Path, target: Path) -> None:
    """Give the parsed files their name, unless another process was first."""
    try:
        scratch.rename(target)
    except OSError:
        with contextlib.suppress(InputError):
            map_dataset(target)
            shutil.rmtree(scratch, ignore_errors=True)
            return
        shutil.rmtree(target)  # half a folder, left by a crash of the machine
        scratch.rename(target)


def _forget_older(target: Path) -> None:
    """Delete what was parsed of the same path before the file changed. Who has it mapped keeps it."""
    for older in target.parent.glob(target.name.partition("-")[0] + "-*"):
        if older != target:
            shutil.rmtree(older, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Delete what processes that were killed left half done."""
    for left in folder.iterdir():
        match = _SCRATCH.fullmatch(left.name)
        if match and not _alive(int(match[1])):
            shutil.rmtree(left, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


@contextlib.contextmanager
def _reading(source: Any) -> Iterator[None]:
    """What the system refuses becomes one line."""
    try:
        yield
    except PermissionError as error:
        where = error.filename or source
        raise InputError(where, "cannot be read: no permission", "see its mode and its owner") from None
    except OSError as error:
        where = error.filename or (source if isinstance(source, str | Path) else "live dataset")
        raise InputError(where, f"cannot be read: {error.strerror or error}") from None
