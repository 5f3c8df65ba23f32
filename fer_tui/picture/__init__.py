"""Explanations as pictures, as files and in words. NumPy and Pillow only."""

from .colours import COLOUR_MAPS, LINE_COLOURS, colour_bar, colour_map
from .contact import Key, Tile, contact_sheet
from .figures import figure, render
from .files import load, save, save_picture, save_tables
from .heatmaps import MODES, FocusBy, Look, Mode, colours_of, heat_picture, in_focus
from .in_words import image_in_words, in_words, shares
from .matrices import matrix_picture, row_shares
from .scales import Scale, scale_of, shared_scale, ticks
from .sheets import cell_box, columns_for, row_of, sheet
from .strips import Still, strip
from .tables import as_csv, cells, classes_of, heading, table_files, tables_in_words
from .twin import table, words

__all__ = [
    "COLOUR_MAPS",
    "LINE_COLOURS",
    "MODES",
    "FocusBy",
    "Key",
    "Look",
    "Mode",
    "Scale",
    "Still",
    "Tile",
    "as_csv",
    "cell_box",
    "cells",
    "classes_of",
    "colour_bar",
    "colour_map",
    "colours_of",
    "columns_for",
    "contact_sheet",
    "figure",
    "heading",
    "heat_picture",
    "image_in_words",
    "in_focus",
    "in_words",
    "load",
    "matrix_picture",
    "render",
    "row_of",
    "row_shares",
    "save",
    "save_picture",
    "save_tables",
    "scale_of",
    "shared_scale",
    "shares",
    "sheet",
    "strip",
    "table",
    "table_files",
    "tables_in_words",
    "ticks",
    "words",
]
