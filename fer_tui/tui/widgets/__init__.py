"""The explorer's widgets: they draw what they are given and say what was clicked."""
