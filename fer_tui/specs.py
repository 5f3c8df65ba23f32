"""Objects that a user names: `file.py:name` or `pkg.mod:name`, and whom to blame when their code fails."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from fer_tui.contract import FerTuiError, InputError, nearest

_HOUSE = Path(__file__).resolve().parent
_LIBRARIES = {Path(sysconfig.get_path(kind)).resolve() for kind in ("stdlib", "platstdlib", "purelib", "platlib")}


class _Fresh(SourceFileLoader):
    """Compiles the file as it is now: no byte code is read from or written to the user's folder."""

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def load_named(spec: str, what: str, known: Callable[[Path], Iterable[str]] | None = None) -> Any:
    """The object that `spec` (`file.py:name` or `pkg.mod:name`) names; InputError tells file and line of a failure.

    known: finds the names that a file without one could be asked for.
    """
    place, _, name = spec.rpartition(":")
    if not place or not name:
        names = [name for name in known(Path(spec)) if name[0] != "_"] if known and spec.endswith(".py") else []
        example = (
            f"{spec}:{names[-1] if names else 'Name'}" if spec.endswith(".py") else "file.py:Name or pkg.module:Name"
        )
        among = f", one of {', '.join(names[:8])}" if len(names) > 1 else ""
        raise InputError(f"{what} {spec}", "does not name an object", f"write {example}{among}")
    with importable(spec), user_code(place):
        module = _import_file(Path(place)) if place.endswith(".py") else _import_module(place)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            own = [key for key, value in vars(found).items() if _defined_in(value, module) and key[0] != "_"]
            defines = f"it defines {', '.join(own[:8])}" if own else "it defines no class or function"
            raise InputError(f"{what} {spec}", f"{place} has no {part}{nearest(part, own)}", defines)
        found = getattr(found, part)
    return found


@contextlib.contextmanager
def importable(spec: str) -> Iterator[None]:
    """The folder of `file.py:name` (else the current one) is on sys.path inside: `python -P` leaves it out."""
    place = spec.rpartition(":")[0]
    folder = str(Path(place).resolve().parent if place.endswith(".py") else Path.cwd())
    strangers = _namesakes(Path(folder))
    for name in strangers:
        del sys.modules[name]
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)
        sys.modules.update(strangers)


def _namesakes(folder: Path) -> dict[str, ModuleType]:
    """Modules from another folder of the user's, such as a second `utils`, that hide those in `folder`."""
    try:
        own = {
            entry.name.removesuffix(".py")
            for entry in os.scandir(folder)
            if entry.name.endswith(".py") or entry.is_dir()
        }
    except OSError:
        return {}
    found = {}
    for name, module in list(sys.modules.items()):
        origin = getattr(module, "__file__", None)
        if name.partition(".")[0] not in own or not origin or Path(origin).resolve().is_relative_to(folder):
            continue
        if _users(Path(origin)):
            found[name] = module
    return found


@contextlib.contextmanager
def user_code(where: str, mend: str = "") -> Iterator[None]:
    """Runs code of the user: what it raises (SystemExit too) becomes an InputError with its file and line.

    What it prints goes to stderr: stdout is for data.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except FerTuiError:
        raise
    except (Exception, SystemExit) as error:
        fault = f"{type(error).__name__}: {first_line(error)}".rstrip(": ")
        raise InputError(blamed(error) or where, fault, mend or _mend(error)) from error


def blamed(error: BaseException) -> str:
    """`file:line` of the innermost frame in the user's own code, '' where there is none."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if _users(Path(frame.filename)):
            return f"{frame.filename}:{frame.lineno}"
    return ""


def _users(path: Path) -> bool:
    """Whether a source file is the user's own, not of a library nor of this house."""
    real = path.resolve()
    if {"site-packages", "dist-packages"} & {*real.parts}:  # also of another environment that this one reads from
        return False
    return path.is_file() and not any(real.is_relative_to(root) for root in (_HOUSE, *_LIBRARIES))


def first_line(error: object, limit: int = 200) -> str:
    """The first line of a message, cut to `limit` characters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else ""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _mend(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"install {error.name} beside fer-tui, or start where it can be imported"
    if isinstance(error, SystemExit):
        return "keep what runs the script under `if __name__ == '__main__':`"
    return ""


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        others = [other.name for other in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise InputError(path, f"no such file{nearest(path.name, others)}")
    path = path.resolve()
    name = f"fer_tui_user_{path.stem}_{blake2b(str(path).encode(), digest_size=4).hexdigest()}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_Fresh(name, str(path)))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        raise
    return module


def _import_module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise InputError(
                name, f"there is no module {error.name} to import", "a file is named file.py:Name"
            ) from None
        raise


def _defined_in(value: object, module: ModuleType) -> bool:
    return callable(value) and getattr(value, "__module__", None) == module.__name__
