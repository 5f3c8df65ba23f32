"""Explainers tried on their promises: what pytest runs, and what anybody may run without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fer_tui.classifier.untouched import same_randomness
from fer_tui.contract import Explainer, nearest

from .bench import Bench, one_thread
from .broken import Broken, NotAsked
from .promises import PROMISES, Promise

Settings = Mapping[str, Mapping[str, object]]  # names of sets of parameters
DEFAULTS: Settings = {"defaults": {}}


@dataclass(frozen=True, slots=True)
class Trial:
    """One promise, to be tried on one explainer under one set of parameters."""

    explainer: type[Explainer[Any]]
    promise: Promise
    setting: str
    parameters: Mapping[str, object]

    @property
    def name(self) -> str:
        return self.promise.name if self.promise.once else f"{self.promise.name} ({self.setting})"

    def fault(self) -> Broken | NotAsked | None:
        """What is broken, or why the promise does not apply; None where it is kept."""
        try:
            with one_thread(), same_randomness():
                self.promise.check(Bench(self.explainer, self.parameters))
        except (Broken, NotAsked) as fault:
            return fault.with_traceback(None)
        return None


def trials(explainer: type[Explainer[Any]], settings: Settings = DEFAULTS) -> list[Trial]:
    """All promises of an explainer under each of these settings; those of the class under the first one."""
    first = next(iter(settings))
    return [
        Trial(explainer, promise, setting, parameters)
        for promise in PROMISES
        for setting, parameters in settings.items()
        if setting == first or not promise.once
    ]


def excuse(trial: Trial, excused: Mapping[str, str]) -> str | None:
    """Why this trial is left out, None where it is not: by the promise's name, or by the trial's."""
    return excused.get(trial.name, excused.get(trial.promise.name))


def check_excuses(excused: Mapping[str, str], tried: list[Trial]) -> None:
    """ValueError where an excuse has no reason, or names no promise."""
    known = {name for trial in tried for name in (trial.name, trial.promise.name)}
    for name, reason in excused.items():
        if name not in known:
            raise ValueError(f"excused names {name!r}, which is no promise{nearest(name, known)}")
        if not reason.strip():
            raise ValueError(f"excused gives no reason for {name!r}")


def broken_promises(explainer: type[Explainer[Any]], settings: Settings = DEFAULTS) -> Iterator[tuple[Trial, Broken]]:
    """The promises that an explainer breaks, with what is said of each."""
    for trial in trials(explainer, settings):
        if isinstance(fault := trial.fault(), Broken):
            yield trial, fault
