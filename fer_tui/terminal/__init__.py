"""Pictures in a terminal: one widget, whatever the terminal can show. Importing it loads neither NumPy nor Pillow."""

from .picture import Picture

__all__ = ["Picture"]
