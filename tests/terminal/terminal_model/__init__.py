"""A terminal for tests and benchmarks, without a display: it reads what an app writes back into cells and pixels,
remembers the pictures it was sent, and answers queries as real terminals did."""

from .recordings import NAMES, QUERIES, Recording, recorded
from .run import AppRun, Frame
from .terminal import Terminal, difference

__all__ = ["NAMES", "QUERIES", "AppRun", "Frame", "Recording", "Terminal", "difference", "recorded"]
