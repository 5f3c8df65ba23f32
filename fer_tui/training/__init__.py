"""Train a network. Importing this door loads no torch; using it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_tui.doors import door

if TYPE_CHECKING:
    from .beginning import fresh_classifier
    from .material import Material, gather
    from .processes import Processes
    from .recipe import Recipe
    from .runs import Run
    from .trainer import Epoch, Step, Trainer

_ROOMS = {
    "Epoch": "trainer",
    "Material": "material",
    "Processes": "processes",
    "Recipe": "recipe",
    "Run": "runs",
    "Step": "trainer",
    "Trainer": "trainer",
    "fresh_classifier": "beginning",
    "gather": "material",
}

__all__ = ["Epoch", "Material", "Processes", "Recipe", "Run", "Step", "Trainer", "fresh_classifier", "gather"]

__getattr__ = door(__name__, _ROOMS)
