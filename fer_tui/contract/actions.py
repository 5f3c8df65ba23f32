"""Named actions: what an explainer does on request at a place, beyond explaining it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .explanations import Result
from .places import Axis
from .subject import Subject

F = TypeVar("F", bound=Callable[[Any, Subject, Any], Iterator[Result]])

_MARK = "fer_tui_action"


@dataclass(frozen=True, slots=True)
class Action:
    """An action as plain data. axes: those that its result depends on; needs_dataset: whether it needs one, too."""

    name: str
    title: str
    help: str
    axes: frozenset[Axis]
    needs_dataset: bool = False

    def to_dict(self) -> dict[str, Any]:
        axes = sorted(axis.value for axis in self.axes)
        return {
            "name": self.name,
            "title": self.title,
            "help": self.help,
            "axes": axes,
            "needs_dataset": self.needs_dataset,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Action:
        return cls(**{**data, "axes": frozenset(map(Axis, data["axes"]))})


def action(title: str, help: str, *, axes: Collection[Axis], needs_dataset: bool = False) -> Callable[[F], F]:
    """Marks a method of an explainer as an action, named as the method is: `another_seed` is `another-seed`.

    The method takes a subject and the parameters, as `explain` does, and yields results of any kind: an explanation to
    be shown, or a Reply with words and tables. What holds for `explain` holds for it: axes are the truth, the same seed
    gives the same, early results and progress, closing the generator stops the work. title: a few words; help: one
    sentence.
    """

    def mark(method: F) -> F:
        name = method.__name__.replace("_", "-")
        setattr(method, _MARK, Action(name, title, help, frozenset(axes), needs_dataset))
        return method

    return mark


def actions_of(explainer: type) -> dict[str, Action]:
    """The actions of an explainer by the methods that run them, in the order in which they are written."""
    names = dict.fromkeys(name for cls in reversed(explainer.__mro__) for name in vars(cls))
    found = {name: getattr(getattr(explainer, name, None), _MARK, None) for name in names}
    return {name: each for name, each in found.items() if isinstance(each, Action)}
