"""For authors of explainers: the promises of the contract as tests, and things to try an explainer on.

`Conformance` needs pytest; all else works without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_tui.doors import door

if TYPE_CHECKING:
    from .conformance import Conformance
    from .faces import Faces, drawn_faces
    from .hiding import only
    from .networks import NETWORKS, Planted, Toy, ToyBreak
    from .promises import PROMISES, Promise
    from .trying import Trial, broken_promises, trials

_ROOMS = {
    "Conformance": "conformance",
    "Faces": "faces",
    "NETWORKS": "networks",
    "PROMISES": "promises",
    "Planted": "networks",
    "Promise": "promises",
    "Toy": "networks",
    "ToyBreak": "networks",
    "Trial": "trying",
    "broken_promises": "trying",
    "drawn_faces": "faces",
    "only": "hiding",
    "trials": "trying",
}

__all__ = [
    "NETWORKS",
    "PROMISES",
    "Conformance",
    "Faces",
    "Planted",
    "Promise",
    "Toy",
    "ToyBreak",
    "Trial",
    "broken_promises",
    "drawn_faces",
    "only",
    "trials",
]

__getattr__ = door(__name__, _ROOMS)
