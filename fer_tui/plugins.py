"""Explainers by entry point: their names from metadata alone, one imported, all imported.

Their descriptions are kept from one run to the next, so that a face has them before anything is imported.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

from fer_tui.contract import (
    CONTRACT_VERSION,
    Description,
    Explainer,
    InputError,
    Kind,
    PluginError,
    Value,
    nearest,
    same_name,
)
from fer_tui.contract.explainer import Cost
from fer_tui.folders import cache_folder
from fer_tui.oversight import Origin, OutOfTime, at_work, left_out
from fer_tui.oversight.witness import is_witnessed
from fer_tui.writing import write_whole

GROUP = "fer_tui.explainers"
OWN = "fer-tui"  # the distribution whose explainers are fer-tui's own
DISABLE = "FER_TUI_DISABLE_PLUGINS"
_MEMORY = "explainers.json"
_LARGEST = 1 << 20  # characters of a description
_LONGEST = 300  # characters of what an explainer raises that are told in one line
_FORMAT = "3"  # of what is remembered


def names() -> tuple[str, ...]:
    """The explainers that are installed and not named by FER_TUI_DISABLE_PLUGINS; nothing is imported."""
    return tuple(_entries())


def set_aside() -> dict[Origin, str]:
    """The installed explainers that are not used, and why: disabled, or of a name that another one has."""
    used, found = _entries(), {}
    for whose, entry in _installed():
        if _is_unwanted(whose):
            found[whose] = f"disabled by {DISABLE}"
        elif (other := used[entry.name][0]) != whose:
            found[whose] = f"not used: {other.source} has one of the same name"
    return found


def origins() -> tuple[Origin, ...]:
    """The explainers of `names`, each with the distribution that brings it."""
    return tuple(whose for whose, _ in _entries().values())


def origin(name: str) -> Origin:
    """The explainer of that name, with the distribution that brings it."""
    found = _entries().get(name)
    return found[0] if found is not None else Origin(name)


def is_disabled(name: str) -> bool:
    """Whether FER_TUI_DISABLE_PLUGINS keeps an explainer of that name from being used, installed or not."""
    return _is_unwanted(Origin(name)) or any(_is_unwanted(whose) for whose, _ in _installed() if whose.name == name)


def source(name: str) -> str:
    """The distribution that an explainer comes from, with its version; '' where it is not known."""
    return origin(name).source


def others() -> dict[str, list[str]]:
    """The names of the explainers that are not fer-tui's own, by their distribution and its version."""
    found: dict[str, list[str]] = {}
    for each in origins():
        if not is_own(each):
            found.setdefault(each.source or "an unknown distribution", []).append(each.name)
    return found


def is_own(origin: Origin) -> bool:
    """Whether an explainer comes with fer-tui itself."""
    return _normal(origin.distribution) == OWN


def load(name: str) -> type[Explainer[Any]]:
    """Import one explainer. InputError where none has that name; PluginError, with a traceback, for whatever it does.

    What its module prints while it is imported is kept by the witness, else swallowed: stdout is for data. An import
    that hangs is broken off where a witness keeps the time.
    """
    entries = _entries()
    if name not in entries:
        raise _unknown(name, remembered())
    whose, entry = entries[name]
    if why := left_out(name):
        raise PluginError(str(whose), why)
    quiet = contextlib.nullcontext() if is_witnessed() else contextlib.redirect_stdout(io.StringIO())
    try:
        with at_work(whose, "import"), quiet:
            found = entry.load()
            _check(whose, found)
            _check_description(whose, found.describe())
    except (KeyboardInterrupt, PluginError):
        raise
    except BaseException as error:  # SystemExit too: a plugin must not end the house
        raise broken(whose, error) from error
    return found  # type: ignore[no-any-return]


def broken(whose: Origin, error: BaseException) -> PluginError:
    """What an explainer raised, as one line with its name, distribution and version; the traceback as details."""
    kind, said = type(error).__name__, _said(error)
    if isinstance(error, OutOfTime):
        fault = said
    elif isinstance(error, ImportError) and (error.name or "").partition(".")[0] == "fer_tui":
        fault = f"it asks for what contract {CONTRACT_VERSION} does not have, upgrade fer-tui or the explainer: {said}"
    else:
        fault = f"{kind}: {said}" if said else kind
    try:
        details = traceback.format_exc()
    except Exception:  # an exception may break its own traceback
        details = ""
    return PluginError(str(whose), fault, details)


def resolve(name: str, describe: Callable[[str], Description] | None = None) -> tuple[str, Mapping[str, Value]]:
    """The explainer that a name or an alias means, with the alias's parameters. InputError where there is none.

    Those whose descriptions are not remembered are imported to learn their aliases, by `describe` (`load` and
    `description` where None); a broken one has none.
    """
    installed = names()
    if name in installed:
        return name, {}
    if (found := same_name(name, installed)) is not None:
        return found, {}
    known = remembered()
    if (meant := _meant(name, known)) is not None:
        return meant
    if missing := [each for each in installed if each not in known]:
        for each in missing:
            with contextlib.suppress(PluginError):
                known[each] = describe(each) if describe is not None else description(load(each))
        remember(known.values())
    if (meant := _meant(name, known)) is not None:
        return meant
    raise _unknown(name, known)


def with_alias(
    name: str, description: Description, meant: Mapping[str, Value], given: Mapping[str, object]
) -> dict[str, object]:
    """The parameters of `given` and those that the alias `name` stands for; InputError where they contradict."""
    infos = {info.name: info for info in description.parameters}
    for key, value in meant.items():
        if key in given and infos[key].parse(given[key]) != value:
            fault = f"{name} is {description.name} with {key}={value}, and {key}={given[key]} is given"
            raise InputError(f"parameter {key}", fault, f"name {description.name}")
    return {**given, **meant}


def _meant(alias: str, described: Mapping[str, Description]) -> tuple[str, Mapping[str, Value]] | None:
    for method, each in described.items():
        if (found := same_name(alias, each.aliases)) is not None:
            return method, each.aliases[found]
    return None


def _unknown(name: str, described: Mapping[str, Description]) -> InputError:
    entries = _entries()
    for whose, why in set_aside().items():
        if whose.name == name:
            return InputError(f"method {name}", f"explainer {whose} is {why}")
    likely = nearest(name, [*entries, *(alias for each in described.values() for alias in each.aliases)])
    known = ", ".join(entries) or "none is installed"
    return InputError(f"method {name}", f"there is no such explainer{likely}", f"known: {known}")


def description(explainer: type[Explainer[Any]]) -> Description:
    """An explainer as plain data, with the distribution that it comes from."""
    return dataclasses.replace(explainer.describe(), distribution=origin(explainer.name).distribution)


def remembered(folder: Path | None = None) -> dict[str, Description]:
    """Descriptions of the installed explainers as `remember` kept them; nothing is imported."""
    try:
        kept, newest = json.loads(((folder or cache_folder()) / _MEMORY).read_text("utf-8")), _newest()
        return {
            name: Description.from_dict(kept[name]["description"])
            for name, found in _entries().items()
            if name in kept and kept[name]["of"] == _identity(*found, newest)
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def remember(descriptions: Iterable[Description], folder: Path | None = None) -> None:
    """Keep descriptions for the next run, by distribution and version; a folder that cannot be written is no fault."""
    entries, newest = _entries(), _newest()
    kept = {
        each.name: {"of": _identity(*entries[each.name], newest), "description": each.to_dict()}
        for each in descriptions
        if each.name in entries
    }
    path = (folder or cache_folder()) / _MEMORY
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(kept).encode())


def _entries() -> dict[str, tuple[Origin, EntryPoint]]:
    """Entry points by name. Of two with one name fer-tui's own counts, else the first by its distribution's name."""
    found: dict[str, tuple[Origin, EntryPoint]] = {}
    for whose, entry in _installed():
        if not _is_unwanted(whose):
            found.setdefault(entry.name, (whose, entry))
    return found


def _installed() -> tuple[tuple[Origin, EntryPoint], ...]:
    """All entry points; read anew where something was installed since."""
    return _read(tuple((folder, _changed(folder)) for folder in sys.path))


@functools.lru_cache(maxsize=1)
def _read(_: tuple[tuple[str, int], ...]) -> tuple[tuple[Origin, EntryPoint], ...]:
    """All entry points, for the folders that modules come from: reading the metadata of many packages takes long."""

    def place(each: tuple[Origin, EntryPoint]) -> tuple[bool, str]:
        whose, _ = each
        return not is_own(whose), whose.distribution.lower()

    return tuple(sorted(((_origin(entry), entry) for entry in entry_points(group=GROUP)), key=place))


def _changed(folder: str) -> int:
    """When something came to a folder or left it, in nanoseconds; 0 where there is none."""
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return 0


def _origin(entry: EntryPoint) -> Origin:
    try:
        facts = entry.dist.metadata if entry.dist is not None else None  # read anew for each name that is asked for
        return Origin(entry.name, facts["Name"] or "", facts["Version"] or "") if facts else Origin(entry.name)
    except Exception:  # a distribution without metadata
        return Origin(entry.name)


def _is_unwanted(whose: Origin) -> bool:
    """Whether the last pattern that fits its name or distribution is one without `!`."""
    candidates = {whose.name.lower(), _normal(whose.distribution)} - {""}
    disabled = False
    for pattern in _patterns():
        bare = pattern.removeprefix("!").lower()
        if any(fnmatchcase(each, known) for each in candidates for known in (bare, _normal(bare))):
            disabled = not pattern.startswith("!")
    return disabled


def _patterns() -> Sequence[str]:
    return [each.strip() for each in os.environ.get(DISABLE, "").split(",") if each.strip()]


def _normal(distribution: str) -> str:
    """A distribution's name as package indices compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _identity(whose: Origin, entry: EntryPoint, newest: int) -> list[str]:
    sources = str(newest) if is_own(whose) else ""
    return [whose.distribution, whose.version, entry.value, str(CONTRACT_VERSION), _FORMAT, sources]


def _newest() -> int:
    """When a file of fer-tui's own explainers was last changed, in nanoseconds: who works on them keeps the version."""
    spec = find_spec("fer_tui_plugins")
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    return max((file.stat().st_mtime_ns for folder in folders for file in Path(folder).glob("*.py")), default=0)


def _check(whose: Origin, found: object) -> None:
    """PluginError where `found` is no explainer of this contract and name."""
    if not (isinstance(found, type) and issubclass(found, Explainer)):
        raise PluginError(str(whose), f"its entry point names {_said(found)}, which is no subclass of Explainer")
    wanted = found.contract_version
    if not isinstance(wanted, int):
        raise PluginError(str(whose), f"its contract_version is {_said(wanted)}, which is no whole number")
    if wanted != CONTRACT_VERSION:
        mend = "fer-tui" if wanted > CONTRACT_VERSION else "the explainer"
        raise PluginError(
            str(whose), f"it wants contract {wanted}, this fer-tui has {CONTRACT_VERSION}: upgrade {mend}"
        )
    if found.name != whose.name:
        raise PluginError(str(whose), f"it calls itself {found.name}: entry point and name must agree")


def _check_description(whose: Origin, described: object) -> None:
    """PluginError where it is none, or cannot be told to another process."""
    if not isinstance(described, Description):
        raise PluginError(str(whose), f"describe() returned {_said(type(described).__name__)}, no Description")
    if described.name != whose.name:
        raise PluginError(str(whose), f"describe() calls it {_said(described.name)}")
    for name, known in (("kind", get_args(Kind)), ("cost", get_args(Cost))):
        if (value := getattr(described, name)) not in known:
            raise PluginError(str(whose), f"its {name} is {_said(value)}, none of {', '.join(known)}")
    for name in ("title", "help", "version"):
        if not isinstance(value := getattr(described, name), str):
            raise PluginError(str(whose), f"its {name} is {_said(value)}, no text")
    text = json.dumps(described.to_dict(), allow_nan=False)
    if len(text) > _LARGEST:
        raise PluginError(str(whose), f"its description has {len(text):,} characters, at most {_LARGEST:,} may be")
    if json.dumps(Description.from_dict(json.loads(text)).to_dict()) != text:
        raise PluginError(str(whose), "its description is not plain data")


def _said(value: object) -> str:
    """`value` in words, whatever it does when it is asked for them; cut to what fits on a line."""
    try:
        text = str(value)
    except Exception:
        text = f"a {type(value).__name__} that cannot be told"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
