"""What a report is asked for, and how many images that takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

from fer_tui.contract import Value

from .painting import Format

Rule = Literal["best", "median", "random", "worst"]
RULES: tuple[Rule, ...] = ("best", "median", "random", "worst")

_MAPS, _MAPS_EACH = 1400, 200  # images whose maps are averaged: in all, of one class at most
_FEWEST = 12  # of one class, where it has as many
LARGE = 4 * 48 * 48  # values of an input from which on a map is large
_LIME, _LIME_EACH, _LIME_FEWEST = 70, 10, 3
_DEEP = 5  # times as many
_SAMPLES = 1000  # of a LIME map, ten for each of its segments
_SAMPLES_SHOWN, _SAMPLES_AVERAGED = 500, 250  # of a large input's, where each takes long


@dataclass(frozen=True, slots=True)
class Guest:
    """An explainer that a report is asked for beside its own three, by name or alias. parameters: those that are not
    its defaults.
    """

    method: str
    parameters: tuple[tuple[str, Value], ...] = ()

    def __str__(self) -> str:
        """As it is typed: tiles:tiles=3,blend=true."""
        return f"{self.method}:{self.told}" if self.parameters else self.method

    @property
    def told(self) -> str:
        """The parameters, as they are typed: a value with a comma in quotes, in which a quote is doubled."""
        return ",".join(f"{name}={_typed(value)}" for name, value in self.parameters)

    @property
    def words(self) -> str:
        """The parameters, to be read."""
        return ", ".join(f"{name}={_typed(value)}" for name, value in self.parameters)

    def to_dict(self) -> dict[str, Any]:
        return {"method": self.method, "parameters": dict(self.parameters)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Guest:
        return cls(data["method"], tuple(data["parameters"].items()))


def _typed(value: Value) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    quoted = "," in text or text.startswith('"')
    return '"' + text.replace('"', '""') + '"' if quoted else text


@dataclass(frozen=True, slots=True)
class Asked:
    """What shapes a report beside the network and the data.

    images: a rule, one image of each class, or rows. layer: whose filters are shown, chosen by size where None.
    regions: as `--regions` has it. deep: five times as many images behind the means, LIME of
    large inputs with all its samples. guests: explainers that get a section of their own.
    """

    images: Rule | tuple[int, ...] = "best"
    seed: int = 0
    form: Format = "jpg"
    deep: bool = False
    layer: str | None = None
    regions: str = "auto"
    checkpoint: int | None = None
    guests: tuple[Guest, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "images": list(self.images) if isinstance(self.images, tuple) else self.images,
            "seed": self.seed,
            "format": self.form,
            "deep": self.deep,
            "layer": self.layer,
            "regions": PurePath(self.regions).name,  # where a file of masks lies is of no account
            "checkpoint": self.checkpoint,
            "with": [each.to_dict() for each in self.guests],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Asked:
        given = {name: value for name, value in data.items() if name not in ("format", "with")}
        images = given["images"]
        given["images"] = tuple(images) if isinstance(images, list) else images
        return cls(**given, form=data["format"], guests=tuple(map(Guest.from_dict, data.get("with", ()))))

    def maps_each(self, classes: int, values: int) -> int:
        """Images of each class whose saliency and CAM are averaged. values: numbers of the network's input."""
        large = 5 if values > LARGE else 1
        few = max(_FEWEST, min(_MAPS_EACH, _MAPS // max(classes, 1)) // large)
        return few * (_DEEP if self.deep else 1)

    def limes_each(self, classes: int) -> int:
        """The same of LIME; 0 where so many classes would get too few for a mean."""
        each = min(_LIME_EACH, _LIME // max(classes, 1)) * (_DEEP if self.deep else 1)
        return each if each >= _LIME_FEWEST else 0

    def samples_shown(self, values: int) -> int:
        """Samples of a LIME map that is shown, and of those that tell how far it can be trusted."""
        return _SAMPLES if self.deep or values <= LARGE else _SAMPLES_SHOWN

    def samples_averaged(self, values: int) -> int:
        """The same of one that a mean is made of: what is chance in it is chance in others, and averages out."""
        return _SAMPLES if self.deep or values <= LARGE else _SAMPLES_AVERAGED

    def samples_told(self, values: int) -> str:
        """The rule for the samples, in words."""
        if self.samples_shown(values) == _SAMPLES:
            return f"Each map is of {_SAMPLES} samples."
        shown = f"An input of more than {LARGE:,} values takes long: each map shown is of {_SAMPLES_SHOWN} samples"
        return f"{shown}, each one behind the means of {_SAMPLES_AVERAGED}; with --deep all are of {_SAMPLES}."
