"""fer-tui plugins new: a small package with an explainer that works, to be made one's own.

The template is such a package itself (beside this module); its files are copied with its names replaced.
"""

from __future__ import annotations

import contextlib
import importlib.util
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from fer_tui import plugins
from fer_tui.contract import InputError, plain

from . import loading, streams

_TEMPLATE = Path(__file__).with_name("plugin_template")
_FILES = (
    "pyproject.toml",
    "README.md",
    "src/fer_tui_my_explainer/__init__.py",
    "tests/test_my_explainer.py",
)
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40


def write(name: str, out: str | None, as_json: bool) -> int:
    """Write the package of an explainer into `out`, fer-tui-NAME where None. InputError where it cannot be."""
    words = _names(name)
    folder = Path(out).expanduser() if out is not None else Path(f"fer-tui-{name}")
    if folder.exists() or folder.is_symlink():
        raise InputError(folder, "is there already", "name another folder with --out")
    _copy(folder, words)
    if as_json:
        streams.put_json({"folder": str(folder), "name": name, "files": [_renamed(file, words) for file in _FILES]})
        return 0
    streams.put(plain(folder))
    for line in ("an explainer that works, with its tests; next:", f"  cd {folder}", '  pip install -e ".[test]"',
                 "  python -m pytest", f"  fer-tui explain {name}"):  # fmt: skip
        streams.say(line)
    return 0


def _names(name: str) -> Mapping[str, str]:
    """What each name of the template becomes; InputError where `name` cannot be an explainer's."""
    where = f"name {name}"
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        likely = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")[:_LONGEST].strip("-")
        mend = f"such as {likely}" if likely else "such as my-method"
        raise InputError(where, f"is no name of lower-case letters, digits and hyphens, {_LONGEST} at most", mend)
    if name == "new":
        raise InputError(where, "is this command's own word", "choose another one")
    if (of := _explainer_of(name)) is not None:
        raise InputError(where, f"means {of} already, from {plugins.source(of)}", "choose another one")
    snake = name.replace("-", "_")
    if importlib.util.find_spec(f"fer_tui_{snake}") is not None:
        raise InputError(where, f"there is a module fer_tui_{snake} already", "choose another one")
    camel = "".join(word.capitalize() for word in name.split("-"))
    return {
        "my_explainer": snake,
        "my-explainer": name,
        "MyExplainer": camel,
        "My explainer": name.replace("-", " ").capitalize(),
    }


def _explainer_of(name: str) -> str | None:
    """The installed explainer that a name or an alias means."""
    with contextlib.suppress(InputError):
        return plugins.resolve(name, loading.describe)[0]
    return None


def _renamed(text: str, words: Mapping[str, str]) -> str:
    return re.sub("|".join(words), lambda found: words[found[0]], text)


def _copy(folder: Path, words: Mapping[str, str]) -> None:
    """The template's files under `folder`, all of them or none."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        below = isinstance(error, FileExistsError | NotADirectoryError)
        fault = "is below a file" if below else f"cannot be written: {error.strerror}"
        raise InputError(folder, fault, "name another folder with --out") from error
    try:
        for file in _FILES:
            made = beside / _renamed(file, words)
            made.parent.mkdir(parents=True, exist_ok=True)
            made.write_text(_renamed((_TEMPLATE / file).read_text("utf-8"), words), "utf-8")
        beside.chmod(0o755)
        beside.rename(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
