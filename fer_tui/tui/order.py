"""In which order the list shows its images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .browser import Target
    from .predictions import Predictions

NAMES = {  # what a list can be sorted by, in the user's words
    "dataset": "dataset order",
    "score": "score of the explained class",
    "confidence": "confidence",
    "loss": "loss",
    "entropy": "entropy",
    "margin": "margin",
}


@dataclass(frozen=True, slots=True)
class Order:
    """by: one of NAMES. down: the highest first."""

    by: str = "dataset"
    down: bool = False

    @property
    def words(self) -> str:
        """For people: `loss ↓`; '' for the dataset's own order."""
        return "" if self == Order() else f"{NAMES[self.by]} {'↓' if self.down else '↑'}"

    def ranks(self, predictions: Predictions, target: Target) -> NDArray[np.floating] | None:
        """A number for each row, the lower the earlier, NaN (last) where it is not known; None: not to be had at all.

        loss: cross entropy, -log of the true class's probability. entropy: of the probabilities, in nats. margin: the
        largest probability less the second.
        """
        import numpy as np

        values: NDArray[Any]
        match self.by:
            case "dataset":
                values = predictions.rows.astype(np.float64)
            case "score":
                found = predictions.scores_for(target)
                if found is None:
                    return None
                values = found
            case "confidence":
                values = predictions.confidence
            case "loss":
                values = predictions.loss
            case "entropy":
                values = predictions.entropy
            case _:
                values = predictions.margin
        return np.asarray(-values if self.down else values)


ORDERS = tuple(Order(by, by in ("score", "loss", "entropy")) for by in NAMES)  # what is looked for comes first


def turned(order: Order, now: Order) -> Order:
    """The order that is meant by choosing `order` in a list that has the order `now`: again, it is the other way up."""
    return Order(order.by, not now.down) if order.by == now.by else order
