"""fer-tui: a terminal explorer of explanations for image-classifying CNNs.

Importing it loads neither torch nor Textual: each name comes with its room when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .doors import door

if TYPE_CHECKING:
    from .classifier import open_classifier
    from .dataset import open_dataset
    from .engine import explain, explain_many, judge
    from .regions import focus
    from .tui.live import explore

__version__ = "0.1.0"

_ROOMS = {
    "explain": "engine",
    "explain_many": "engine",
    "explore": "tui.live",
    "focus": "regions",
    "judge": "engine",
    "open_classifier": "classifier",
    "open_dataset": "dataset",
}

__all__ = ["explain", "explain_many", "explore", "focus", "judge", "open_classifier", "open_dataset"]

__getattr__ = door(__name__, _ROOMS)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
