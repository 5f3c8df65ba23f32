"""The promises as tests for pytest: three lines in a plugin's own tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest

from fer_tui.contract import Explainer

from .broken import NotAsked
from .hiding import only
from .trying import DEFAULTS, Settings, Trial, check_excuses, excuse, trials


class Conformance:
    """Subclass it in a test module: every promise becomes a test of your explainer.

        class TestMine(Conformance):
            explainer = Mine

    settings: sets of parameters by name, each of which is tried: name those that are fast, and every variant. excused:
    promises that yours cannot keep, by name, with the reason; they are reported as skipped.
    """

    explainer: ClassVar[type[Explainer[Any]]]
    settings: ClassVar[Settings] = DEFAULTS
    excused: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def pytest_generate_tests(cls, metafunc: pytest.Metafunc) -> None:
        if "trial" not in metafunc.fixturenames:
            return
        owner = metafunc.cls
        if not isinstance(getattr(owner, "explainer", None), type):
            raise pytest.UsageError(f"{owner.__name__}: set `explainer` to your explainer's class")
        tried = trials(owner.explainer, owner.settings)
        try:
            check_excuses(owner.excused, tried)
        except ValueError as error:
            raise pytest.UsageError(f"{owner.__name__}: {error}") from None
        metafunc.parametrize("trial", tried, ids=[trial.name for trial in tried])

    @pytest.fixture
    def alone(self) -> Iterator[None]:
        """No other explainer is found, by child processes either: for tests of your own in this class."""
        with only(self.explainer.name):
            yield

    def test_promise(self, trial: Trial, alone: None) -> None:
        if (reason := excuse(trial, self.excused)) is not None:
            pytest.skip(f"excused: {reason}")
        fault = trial.fault()
        if isinstance(fault, NotAsked):
            pytest.skip(str(fault))
        if fault is not None:
            pytest.fail(f"{self.explainer.name}: {trial.promise.name}: {fault}", pytrace=False)
