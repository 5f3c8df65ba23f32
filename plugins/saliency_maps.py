"""What saliency found, as heat maps: its channels as one, and what is to be said of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fer_tui.contract import Heatmap, Subject

from .saliency_scores import Attribution, Image, Values

if TYPE_CHECKING:
    from .saliency import SaliencyParameters

_NEVER_SIGNED = ("smoothgrad-squared", "vargrad")
_REDUCTIONS = {  # in words: of signed and of unsigned channels
    "sum": ("sum", "sum of absolute values"),
    "mean": ("mean", "mean of absolute values"),
    "max": ("the value of the largest size", "largest absolute value"),
}


class HeatMaps:
    """Of one run, for all that it has in common is settled once. how: what was done to the network, in words."""

    def __init__(self, parameters: SaliencyParameters, how: str) -> None:
        self._absolute, self._reduction = parameters.absolute, parameters.channels
        self._signed = not self._absolute and parameters.variant not in _NEVER_SIGNED
        self._hides, self._of_loss = parameters.variant == "occlusion", parameters.score == "loss"
        self._meta = {"network": how} if how else {}
        rounded = "computed in bfloat16: fine detail of this map is rounding"
        self._always = (rounded,) if "bfloat16" in how else ()

    def of(self, subject: Subject, image: Image, attribution: Attribution) -> Heatmap:
        """The attribution of the subject's image as one map, which owns its numbers."""
        given, extras = attribution.channels, attribution.extras
        # A copy either way: `given` may be a part of a whole batch, which would stay in memory as long as this map.
        channels = np.abs(given) if self._absolute else given.copy()
        meta, values = {**attribution.meta, **self._meta}, channels[0]
        if len(channels) > 1:
            values, extras = _reduced(channels, self._reduction), {**extras, "channels": channels}
            meta["channels"] = _REDUCTIONS[self._reduction][not self._signed]
        if self._of_loss:
            meta["label"] = subject.label
        notes = attribution.notes
        if attribution.progress >= 1:
            notes += self._remarks(channels)
        shown = subject.classifier.shown(image)
        return Heatmap(values=values, image=shown, signed=self._signed, extras=extras, meta=meta, notes=notes)

    def _remarks(self, channels: Values) -> tuple[str, ...]:
        flat = channels.reshape(-1)
        high = float(flat[flat.argmax()])  # not finite where a value is not; half the time of max() for a small map
        low = 0.0 if self._absolute else float(flat[flat.argmin()])
        if not (math.isfinite(low) and math.isfinite(high)):
            broken = int((~np.isfinite(channels)).sum())
            said = f"{broken} of {channels.size} values of the {'map' if self._hides else 'gradient'} are not finite"
        elif low == high == 0 and self._hides:
            said = "the map is zero at every pixel: hiding any part leaves the score as it is"
        elif low == high == 0:
            said = "the gradient is zero at every pixel: no small change of the image changes the score"
        elif self._signed and self._of_loss:
            said = "positive values raise the loss: they speak against the true class"
        else:
            return self._always
        return said, *self._always


def _reduced(channels: NDArray[np.float32], how: str) -> NDArray[np.float32]:
    """(C, H, W) to (H, W)."""
    if how == "max":
        return np.take_along_axis(channels, np.abs(channels).argmax(0)[None], 0)[0]
    reduced: NDArray[np.float32] = channels.mean(0) if how == "mean" else channels.sum(0)
    return reduced
