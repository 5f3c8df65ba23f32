"""Named regions of pictures, and how explanations' attribution is spread over them. Loads no torch.

The door opens lazily: the messages between two processes carry tables and need no arrays for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_tui.doors import door

if TYPE_CHECKING:
    from .known import is_samples, known_regions, named_regions, open_regions
    from .layout import face_layout
    from .regions import OUTSIDE, Regions, regions_of
    from .shares import Focus, focus
    from .table import ClassFocus, Estimate, FocusTable, Group, RegionFocus, Relation
    from .tally import Tally

_ROOMS = {
    "ClassFocus": "table",
    "Estimate": "table",
    "Focus": "shares",
    "FocusTable": "table",
    "Group": "table",
    "OUTSIDE": "regions",
    "RegionFocus": "table",
    "Regions": "regions",
    "Relation": "table",
    "Tally": "tally",
    "face_layout": "layout",
    "focus": "shares",
    "is_samples": "known",
    "known_regions": "known",
    "named_regions": "known",
    "open_regions": "known",
    "regions_of": "regions",
}

__all__ = [
    "OUTSIDE",
    "ClassFocus",
    "Estimate",
    "Focus",
    "FocusTable",
    "Group",
    "RegionFocus",
    "Regions",
    "Relation",
    "Tally",
    "face_layout",
    "focus",
    "is_samples",
    "known_regions",
    "named_regions",
    "open_regions",
    "regions_of",
]

__getattr__ = door(__name__, _ROOMS)
