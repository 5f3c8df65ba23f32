"""How an explanation is looked at: the view, the opacity, the colours, the scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fer_tui.contract import Explanation, Heatmap, Reply

from .scaling import SCALES, Ranges, Scales

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from fer_tui.picture import FocusBy
    from fer_tui.picture import Look as Drawn

RULES: tuple[tuple[FocusBy, float], ...] = (("quantile", 0.8), ("quantile", 0.9), ("sigma", 1.0), ("sigma", 2.0))
PARTS: tuple[tuple[FocusBy, float], ...] = (("chosen", 0.0), ("for", 0.0))  # where the method chose some itself
VIEWS = ("overlay", "map", "focus", "outline", "original", "input")
_STEP = 0.1


@dataclass(slots=True)
class Look:
    """view: `original` is the dataset's picture, `input` what the model saw of it. colours: None is the theme's.

    of_method: the colours of an explainer's maps, where the configuration names any, in place of the theme's.
    rule: what is in focus, of the rules that the explanation has: PARTS, where its method chose parts, and RULES.
    in_words: the twin in words is there in place of the picture.
    """

    view: str = "overlay"
    opacity: float = 0.5
    colours: str | None = None
    rule: int = 0
    unsigned: str = "viridis"
    signed: str = "blue-orange"
    of_method: Mapping[str, str] = field(default_factory=dict)
    in_words: bool = False
    scales: Scales = field(default_factory=Scales)

    def to_dict(self) -> dict[str, object]:
        """What the user has chosen, as plain data."""
        scale = {"in_words": self.in_words, "scale": self.scales.mode, "most": self.scales.most}
        return {"view": self.view, "opacity": self.opacity, "colours": self.colours, "rule": self.rule, **scale}

    def restore(self, chosen: Mapping[str, object]) -> None:
        """Take what `to_dict` gave; what has become unknown is left as it is."""
        from fer_tui.picture import COLOUR_MAPS

        view, opacity, colours, rule = (chosen.get(name) for name in ("view", "opacity", "colours", "rule"))
        self.view = view if isinstance(view, str) and view in VIEWS else self.view
        self.opacity = float(opacity) if isinstance(opacity, int | float) and 0 <= opacity <= 1 else self.opacity
        self.colours = colours if isinstance(colours, str) and colours in COLOUR_MAPS else self.colours
        self.rule = rule if isinstance(rule, int) and rule >= 0 else self.rule
        self.in_words = chosen.get("in_words") is True
        scale, most = chosen.get("scale"), chosen.get("most")
        self.scales.mode = scale if isinstance(scale, str) and scale in SCALES else self.scales.mode
        self.scales.most = float(most) if isinstance(most, int | float) and most > 0 else self.scales.most

    def turn(self, steps: int) -> None:
        """To another view."""
        self.view = VIEWS[(VIEWS.index(self.view) + steps) % len(VIEWS)]

    def turn_rule(self, steps: int) -> None:
        """To another rule of the focus; to the focus, where something else is looked at."""
        if self.view in ("focus", "outline"):
            self.rule = (self.rule + steps) % (len(PARTS) + len(RULES))
        else:
            self.view = "focus"

    def rule_of(self, explanation: Explanation) -> tuple[FocusBy, float]:
        """What is in focus."""
        known = (*PARTS, *RULES) if "mask" in explanation.extras else RULES
        return known[self.rule % len(known)]

    def fade(self, steps: int) -> None:
        """More (or less) opaque, by tenths, within 0 to 1."""
        self.opacity = round(min(1.0, max(0.0, self.opacity + _STEP * steps)), 2)

    def recolour(self, steps: int, explanation: Explanation | None) -> None:
        """To another colour map."""
        from fer_tui.picture import COLOUR_MAPS

        now = COLOUR_MAPS.index(self.colours_of(explanation))
        self.colours = COLOUR_MAPS[(now + steps) % len(COLOUR_MAPS)]

    def colours_of(self, explanation: Explanation | None) -> str:
        """The colour map that an explanation is drawn in."""
        if self.colours is not None:
            return self.colours
        if isinstance(explanation, Heatmap) and "against" not in explanation.meta:
            method = str(explanation.meta.get("explainer"))
            if method in self.of_method:
                return self.of_method[method]
        return self.signed if isinstance(explanation, Heatmap) and explanation.signed else self.unsigned

    def picture(self, explanation: Explanation | None, image: NDArray[np.uint8], among: Ranges | None = None) -> Image:
        """What there is to see of an explanation of `image`, the dataset's picture; without one, the image.

        among: the maps that share a scale, where not all that were seen do.
        """
        from fer_tui.picture import heat_picture, render

        if isinstance(explanation, Heatmap):
            if self.view != "original":
                return heat_picture(explanation, **self.drawn(explanation, among))
        elif explanation is not None and not isinstance(explanation, Reply):
            return render(explanation)
        from PIL import Image

        return Image.fromarray(image)

    def drawn(self, explanation: Explanation, among: Ranges | None = None) -> Drawn:
        """The look as keywords of the picture floor, which knows no picture but what the model saw."""
        if not isinstance(explanation, Heatmap):
            return {}
        by, focus = self.rule_of(explanation)
        return {
            "mode": "original" if self.view == "input" else self.view,  # type: ignore[typeddict-item]
            "opacity": self.opacity,
            "colours": self.colours_of(explanation),
            "scale": self.scales.of(explanation, among),
            "focus": focus,
            "focus_by": by,
        }

    def words(self, explanation: Explanation | None, *, scale: bool = True) -> str:
        """The view in words, '' for what has but one. scale: also whether the map shares its scale."""
        if explanation is not None and not isinstance(explanation, Heatmap):
            return ""
        if not isinstance(explanation, Heatmap) or self.view == "original":
            return "original"
        match self.view:
            case "input":
                return "what the model saw"
            case "overlay" | "map":
                opacity = f" {self.opacity:.0%}" if self.view == "overlay" else ""
                shared = self.scales.words(explanation) if scale else ""
                words = (f"{self.view}{opacity}", self.colours_of(explanation), shared)
                return " · ".join(filter(None, words))
        by, focus = self.rule_of(explanation)
        told = {
            "quantile": f"highest {1 - focus:.0%}",
            "sigma": f"above mean + {focus:g}σ",
            "chosen": "chosen segments",
        }
        return f"{self.view} · {told.get(by, 'segments for the class')}"
