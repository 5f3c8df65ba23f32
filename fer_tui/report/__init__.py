"""The report: the homework's figures and the answer to "why", from any network and data. The door to the room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_tui.doors import door

if TYPE_CHECKING:
    from .asked import RULES, Asked, Guest
    from .comparing import TOLERANCE_TOLD, Difference, changed, compared
    from .folder import check_folder, fill
    from .making import Made, inputs_of, made
    from .manifest import MANIFEST, Manifest, versions_here
    from .material import METHODS
    from .painting import FORMATS

_ROOMS = {
    "Asked": "asked",
    "Difference": "comparing",
    "FORMATS": "painting",
    "Guest": "asked",
    "MANIFEST": "manifest",
    "METHODS": "material",
    "Made": "making",
    "Manifest": "manifest",
    "RULES": "asked",
    "TOLERANCE_TOLD": "comparing",
    "changed": "comparing",
    "check_folder": "folder",
    "compared": "comparing",
    "fill": "folder",
    "inputs_of": "making",
    "made": "making",
    "versions_here": "manifest",
}

__all__ = [
    "FORMATS",
    "MANIFEST",
    "METHODS",
    "RULES",
    "TOLERANCE_TOLD",
    "Asked",
    "Difference",
    "Guest",
    "Made",
    "Manifest",
    "changed",
    "check_folder",
    "compared",
    "fill",
    "inputs_of",
    "made",
    "versions_here",
]

__getattr__ = door(__name__, _ROOMS)
