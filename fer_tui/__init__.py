"""fer-tui: a terminal explorer of explanations for image-classifying CNNs.

Importing it loads neither torch nor Textual: each name comes with its room when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .classifier import open_classifier
    from .dataset import open_dataset
    from .engine import explain, explain_many, judge
    from .regions import focus
    from .tui.live import explore

__version__ = "0.1.0"

_ROOMS = {
    "explain": "fer_tui.engine",
    "explain_many": "fer_tui.engine",
    "explore": "fer_tui.tui.live",
    "focus": "fer_tui.regions",
    "judge": "fer_tui.engine",
    "open_classifier": "fer_tui.classifier",
    "open_dataset": "fer_tui.dataset",
}

__all__ = ["explain", "explain_many", "explore", "focus", "judge", "open_classifier", "open_dataset"]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_ROOMS[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
