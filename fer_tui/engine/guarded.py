"""Runs the code of an explainer: what it raises names it, and what it leaves behind is told and undone."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, TypeVar, cast

from fer_tui import plugins
from fer_tui.contract import FerTuiError
from fer_tui.oversight import Origin, at_work, tell, tell_failure

from .footprint import Footprint

if TYPE_CHECKING:
    from fer_tui.classifier import TorchClassifier

    from .tasks import Task

T = TypeVar("T")

LEFT = "it left behind"  # begins what is told of that


def guarded(task: Task, start: Callable[[], Iterator[T]], footprint: Footprint) -> Generator[T, None, None]:
    """What an explainer's code yields; the module is as before when it ends, however it ends."""
    whose = task.origin
    is_own = plugins.is_own(whose)
    classifier = cast("TorchClassifier", task.subject.classifier)
    with _undone(classifier, whose, weights=not is_own), footprint.watched(whose, wanted=not is_own):
        try:
            with at_work(whose, "explain"):
                results = start()
            with closing(_steps(results, whose)) as steps:
                yield from steps
        except (FerTuiError, KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # SystemExit too: a plugin must not end the house
            fault = plugins.broken(whose, error)
            tell_failure(whose, fault.fault)
            raise fault from error


def _steps(results: Iterator[T], whose: Origin) -> Generator[T, None, None]:
    """One step of the explainer at a time: between two of them it is not at work."""
    try:
        while True:
            with at_work(whose, "explain"):
                try:
                    result = next(results)
                except StopIteration:
                    return
            yield result
    finally:
        if isinstance(results, Generator):  # an explainer may also return a plain iterator
            with at_work(whose, "explain"):
                results.close()


@contextmanager
def _undone(classifier: TorchClassifier, whose: Origin, *, weights: bool) -> Iterator[None]:
    left: list[str] = []
    try:
        with classifier.untouched(left, weights=weights):
            yield
    finally:
        if left:
            tell(whose, f"{LEFT} {', '.join(left)}: undone")
