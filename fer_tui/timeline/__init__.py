"""What a network learned when: measures over the checkpoints of a run, and what they say. NumPy only."""

from .course import Course, Move
from .facts import facts, moved
from .labels import abreast, number_of, short_names

__all__ = ["Course", "Move", "abreast", "facts", "moved", "number_of", "short_names"]
