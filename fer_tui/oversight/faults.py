"""What went wrong with which explainer, kept until its version changes or the user forgets it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fer_tui.contract import plain
from fer_tui.folders import state_folder
from fer_tui.records import Record

from .origin import Origin

_MOST = 5  # faults of an explainer that are kept, the last ones
_OFTEN = 2  # times that an import may end the process, or hang, until it is left out


@dataclass(frozen=True, slots=True)
class Fault:
    """what: one line. doing: "import" or "explain". fatal: it took the process with it. when: seconds since 1970."""

    what: str
    doing: str
    fatal: bool
    when: float
    times: int = 1

    def __str__(self) -> str:
        day = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.when))
        return f"{self.what} ({day}{f', {self.times} times' if self.times > 1 else ''})"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Faults:
    """The faults by explainer, in one file. path: None keeps them for this run alone."""

    def __init__(self, path: Path | None) -> None:
        self._record = Record(path)

    @classmethod
    def open(cls) -> Faults:
        """Those of the user, in the state folder."""
        folder = state_folder()
        return cls(folder / "plugins.json" if folder is not None else None)

    def keep(self, origin: Origin, what: str, doing: str, *, fatal: bool = False) -> None:
        """Something went wrong now; the same again is counted."""

        def change(values: dict[str, Any]) -> None:
            known = self._of(values, origin)
            same = next((each for each in known if (each.what, each.doing) == (plain(what), doing)), None)
            others = [each for each in known if each is not same]
            fault = Fault(plain(what), doing, fatal, round(time.time(), 1), same.times + 1 if same else 1)
            kept = [each.to_dict() for each in [*others, fault][-_MOST:]]
            values.setdefault("faults", {})[origin.name] = {"of": origin.source, "known": kept}

        self._record.change(change)

    def of(self, origin: Origin) -> tuple[Fault, ...]:
        """What went wrong with an explainer of this version, the last at the end."""
        return tuple(self._of(self._record.values, origin))

    def knows(self, name: str) -> bool:
        """Whether something went wrong with an explainer of that name, of whatever version."""
        return name in self._record.values.get("faults", {})

    def left_out(self, origins: Callable[[], Iterable[Origin]]) -> dict[str, str]:
        """Those whose import took the process with it, or hung, more than once: names, and why.

        origins: finds the installed ones; it is only called where there are faults at all.
        """
        found = {}
        for origin in origins() if self._record.values.get("faults") else ():
            ends = [each for each in self.of(origin) if each.doing == "import" and each.fatal]
            if sum(each.times for each in ends) >= _OFTEN:
                found[origin.name] = f"left out, for {ends[-1]}; fer-tui plugins --forget {origin.name} tries it again"
        return found

    def forget(self, names: Collection[str] | None = None) -> tuple[str, ...]:
        """Forget the faults of these explainers (None: of all); the names of those that had any."""
        gone: list[str] = []

        def change(values: dict[str, Any]) -> None:
            known = values.get("faults", {})
            gone.extend(name for name in known if names is None or name in names)
            values["faults"] = {name: each for name, each in known.items() if name not in gone}

        self._record.change(change)
        return tuple(gone)

    def _of(self, values: Mapping[str, Any], origin: Origin) -> list[Fault]:
        try:
            kept = values["faults"][origin.name]
            return [Fault(**each) for each in kept["known"]] if kept["of"] == origin.source else []
        except (KeyError, TypeError, AttributeError):
            return []
