"""The keys that say how an explanation is looked at."""

from __future__ import annotations

from fer_tui.contract import Heatmap, ParameterInfo, Value
from fer_tui.tui.keys import Command
from fer_tui.tui.scaling import Ranges

from .choosing import Choosing
from .popups import Entry

_MOST = ParameterInfo("scale", "float", 1.0, "value of the highest colour; the lowest is 0 or its negative", low=0)


class Looking(Choosing):
    """A screen with a picture of an explanation."""

    def looked(self) -> None:
        """It is to be looked at otherwise: draw it."""
        raise NotImplementedError

    def do_view(self, command: Command) -> None:
        self.desk.look.turn(command.times)
        self.looked()

    def do_view_back(self, command: Command) -> None:
        self.desk.look.turn(-command.times)
        self.looked()

    def do_colours(self, command: Command) -> None:
        self.desk.look.recolour(command.times, self.asking.answered.explanation)
        self.looked()

    @property
    def heatmap(self) -> Heatmap | None:
        """What is looked at, where it is a heat map."""
        explanation = self.asking.answered.explanation
        return explanation if isinstance(explanation, Heatmap) else None

    @property
    def maps(self) -> Ranges | None:
        """The maps that share a scale, where not all that were seen do."""
        return None

    def do_scale(self, command: Command) -> None:
        self.desk.look.scales.turn(command.times, self.heatmap, self.maps)
        self.looked()

    def do_fix_scale(self, command: Command) -> None:
        scales = self.desk.look.scales
        now = max(map(abs, scales.of(self.heatmap, self.maps))) if self.heatmap is not None else scales.most

        def fix(most: Value | None) -> None:
            if isinstance(most, float) and most > 0:
                scales.fix(most)
                self.looked()

        self.app.push_screen(Entry(_MOST, float(f"{now:.3g}")), fix)
