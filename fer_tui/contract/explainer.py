"""The explainer: one class, one generator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_args

from .actions import Action, actions_of
from .errors import InputError
from .explanations import Kind, Result
from .parameters import ParameterInfo, Parameters, Value, parameter_infos
from .places import Axis
from .subject import Subject
from .words import nearest

CONTRACT_VERSION = 1

P = TypeVar("P", bound=Parameters)
Cost = Literal["cheap", "slow"]  # cheap: prefetched for neighbouring places


@dataclass(frozen=True, slots=True)
class Description:
    """An explainer as plain data: what a face needs to know without importing it.

    axes: the axes that a result depends on. axes_by: (parameter, {value: axes}) where they hang on a parameter's value.
    needs_dataset_by: (parameter, {value: whether it is needed}) where that hangs on a parameter's value.
    aliases: other names for it under some parameters; the first name for the same parameters is the one that is listed.
    actions: what else it does on request.
    """

    name: str
    title: str
    help: str
    version: str
    kind: Kind
    cost: Cost
    needs_dataset: bool
    parameters: tuple[ParameterInfo, ...]
    axes: frozenset[Axis]
    axes_by: tuple[str, Mapping[str, frozenset[Axis]]] | None = None
    needs_dataset_by: tuple[str, Mapping[str, bool]] | None = None
    aliases: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    distribution: str = ""
    actions: tuple[Action, ...] = ()

    @property
    def listed_aliases(self) -> tuple[str, ...]:
        """One name for each set of parameters."""
        firsts: dict[str, str] = {}
        for name, values in self.aliases.items():
            firsts.setdefault(repr(sorted(values.items())), name)
        return tuple(firsts.values())

    def axes_for(self, parameters: Mapping[str, Value]) -> frozenset[Axis]:
        """The axes that a result depends on, under these parameters."""
        if self.axes_by is None:
            return self.axes
        name, by_value = self.axes_by
        return by_value.get(str(parameters[name]), self.axes)

    def needs_dataset_for(self, parameters: Mapping[str, Value]) -> bool:
        """Whether a result depends on the dataset, under these parameters."""
        if self.needs_dataset_by is None:
            return self.needs_dataset
        name, by_value = self.needs_dataset_by
        return by_value.get(str(parameters[name]), self.needs_dataset)

    def for_action(self, name: str) -> Description:
        """This explainer as it runs the action of that name, '' for none; InputError where there is none."""
        if not name:
            return self
        known = {each.name: each for each in self.actions}
        if name not in known:
            mend = f"known: {', '.join(known)}" if known else f"{self.name} has none"
            raise InputError(f"action {name}", f"{self.name} has no such action{nearest(name, known)}", mend)
        found = known[name]
        return replace(self, axes=found.axes, axes_by=None, needs_dataset=found.needs_dataset, needs_dataset_by=None)

    def to_dict(self) -> dict[str, Any]:
        plain = asdict(self)
        plain["actions"] = [each.to_dict() for each in self.actions]
        plain["axes"] = sorted(self.axes)
        if self.axes_by is not None:
            plain["axes_by"] = [self.axes_by[0], {value: sorted(axes) for value, axes in self.axes_by[1].items()}]
        plain["aliases"] = {name: dict(values) for name, values in self.aliases.items()}
        if self.needs_dataset_by is not None:
            plain["needs_dataset_by"] = [self.needs_dataset_by[0], dict(self.needs_dataset_by[1])]
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Description:
        by, dataset_by = data["axes_by"], data.get("needs_dataset_by")
        return cls(
            **{
                **data,
                "parameters": tuple(map(ParameterInfo.from_dict, data["parameters"])),
                "axes": frozenset(map(Axis, data["axes"])),
                "axes_by": by and (by[0], {value: frozenset(map(Axis, axes)) for value, axes in by[1].items()}),
                "needs_dataset_by": dataset_by and (dataset_by[0], dict(dataset_by[1])),
                "aliases": {name: dict(values) for name, values in data.get("aliases", {}).items()},
                "actions": tuple(map(Action.from_dict, data.get("actions", ()))),
            }
        )


class Explainer(ABC, Generic[P]):
    """Subclass this, set the class attributes, write `explain`, name the class in the entry points fer_tui.explainers.

    `explain` is a generator of better and better results, often for several places from one run. It yields at least
    every 50 ms where the model allows; closing it must stop the work. It leaves nothing on the module between two runs.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str]
    version: ClassVar[str]
    kind: ClassVar[Kind]
    axes: ClassVar[frozenset[Axis]]
    axes_by: ClassVar[tuple[str, Mapping[str, frozenset[Axis]]] | None] = None
    cost: ClassVar[Cost] = "slow"
    needs_dataset: ClassVar[bool] = False
    needs_dataset_by: ClassVar[tuple[str, Mapping[str, bool]] | None] = None
    aliases: ClassVar[Mapping[str, Mapping[str, Value]]] = {}
    contract_version: ClassVar[int] = CONTRACT_VERSION
    Parameters: ClassVar[type[Parameters]] = Parameters

    @abstractmethod
    def explain(self, subject: Subject, parameters: P) -> Iterator[Result]:
        """Better and better results; the last one for each place is final."""

    def explain_many(self, subjects: Sequence[Subject], parameters: P) -> Iterator[Result]:
        """The same numbers for many subjects, in their order; override it where a batch is faster."""
        for subject in subjects:
            yield from self.explain(subject, parameters)

    def act(self, name: str, subject: Subject, parameters: P) -> Iterator[Result]:
        """The results of the action of that name: see `action`."""
        method = next(method for method, each in actions_of(type(self)).items() if each.name == name)
        found: Iterator[Result] = getattr(self, method)(subject, parameters)
        return found

    @classmethod
    def for_contrast(cls, parameters: P) -> P:
        """The parameters under which two maps may be subtracted: the same, where maps keep their sign."""
        return parameters

    @classmethod
    def is_linear(cls, parameters: P) -> bool:
        """Whether map(y1 - y2) is map(y1) - map(y2) for two class scores, under these parameters."""
        return False

    @classmethod
    def describe(cls) -> Description:
        """This explainer as plain data; TypeError where its kind is unknown."""
        if cls.kind not in get_args(Kind):
            raise TypeError(f"kind is {cls.kind!r}, not one of {', '.join(get_args(Kind))}")
        infos = parameter_infos(cls.Parameters)
        return Description(
            name=cls.name,
            title=cls.title,
            help=cls.help,
            version=cls.version,
            kind=cls.kind,
            cost=cls.cost,
            needs_dataset=cls.needs_dataset,
            parameters=tuple(replace(info, aliases=_of(info, cls.aliases)) for info in infos),
            axes=cls.axes,
            axes_by=cls.axes_by,
            needs_dataset_by=cls.needs_dataset_by,
            aliases=cls.aliases,
            actions=tuple(actions_of(cls).values()),
        )


def _of(info: ParameterInfo, aliases: Mapping[str, Mapping[str, Value]]) -> dict[str, Value]:
    """The aliases that set this parameter alone: names for its values. An unknown value is a TypeError."""
    own = {name: values[info.name] for name, values in aliases.items() if set(values) == {info.name}}
    for name, value in own.items():
        if info.choices and value not in info.choices:
            raise TypeError(f"alias {name}: {value!r} is no value of {info.name}")
    return own
