"""The commands: `fer-tui ...`, headless or as the way into the explorer."""

from .main import main

__all__ = ["main"]
