"""The one table of keys: it feeds what the keys do, the line of hints and the help.

A key is a character (`j`, `/`), or Textual's name for one without (`pageup`, `ctrl+l`); `g e` is g, then e. Digits
before a key are its count. An action is the screen's method `do_...`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from fer_tui.contract import nearest

SCREENS = {
    "x": "Explore",
    "c": "Classes",
    "t": "Timeline",
    "f": "Filters",
    "g": "Grid",
}  # by the letters that bindings name them by


HINTED_FIRST = ("narrow", "next-mistake", "swap-target", "method", "view", "palette")  # after a screen's own keys


@dataclass(frozen=True, slots=True)
class Binding:
    """What keys do. hint: the word in the line of hints, '' for none. counts: a number before it means something."""

    id: str
    keys: tuple[str, ...]
    help: str
    group: str
    screens: str = "".join(SCREENS)
    hint: str = ""
    counts: bool = False


BINDINGS = (
    Binding("down", ("j", "down"), "down; 5j: five down", "Move", counts=True),
    Binding("up", ("k", "up"), "up", "Move", counts=True),
    Binding(
        "left",
        ("h", "left"),
        "class before; cell or filter to the left; in the timeline: checkpoint before",
        "Move",
        counts=True,
    ),
    Binding(
        "right",
        ("l", "right"),
        "next class; cell or filter to the right; in the timeline: next checkpoint",
        "Move",
        counts=True,
    ),
    Binding("page-down", ("pagedown", "ctrl+d"), "a page down", "Move", counts=True),
    Binding("page-up", ("pageup", "ctrl+u"), "a page up", "Move", counts=True),
    Binding("first", ("g g", "home"), "first; 412gg: image (or filter) 412", "Move", counts=True),
    Binding("last", ("G", "end"), "last; 412G: image (or filter) 412", "Move", counts=True),
    Binding("next-mistake", ("n",), "next mistake", "Move", "x", "mistake", counts=True),
    Binding("previous-mistake", ("N",), "mistake before", "Move", "x", counts=True),
    Binding("back", ("H",), "back to where you were: image, method, screen, narrowing", "Move", counts=True),
    Binding("forward", ("L",), "forward again", "Move", counts=True),
    Binding("next-pane", ("tab",), "next pane", "Move", "x"),
    Binding("previous-pane", ("shift+tab",), "pane before", "Move", "x"),
    Binding("narrow", ("/",), "list only some images: true:fear pred:sad wrong conf<.5", "Images", "x", "narrow"),
    Binding("similar", ("s",), "the most similar training images, by the network's features", "Images", "x", "similar"),
    Binding("sort", ("S",), "sort by score, confidence, loss, entropy, margin", "Images", "x", "sort", True),
    Binding("mark", ("space",), "mark the image, or not, and go on to the next", "Images", "x", counts=True),
    Binding("mark-all", ("*",), "mark all that are listed; again: none of them", "Images", "x"),
    Binding("invert-marks", ("V",), "of those that are listed, mark the unmarked and unmark the marked", "Images", "x"),
    Binding("unmark", ("U",), "take all marks away", "Images", "x"),
    Binding("note", ("a",), "keep a note on the image", "Images", "x"),
    Binding("swap-target", ("t",), "explain the predicted class, or the true one", "Explanation", "xtg", "target"),
    Binding(
        "pick-class", ("c",), "choose the class to explain; 3c: class 3", "Explanation", "xtg", "class", counts=True
    ),
    Binding("method", ("m",), "next method; 2m: method 2", "Explanation", "xtg", "method", counts=True),
    Binding("pick-method", ("M",), "choose a method from a list", "Explanation", "xctg"),
    Binding(
        "parameters",
        ("p",),
        "the form of the method's parameters: all of them, changed live",
        "Explanation",
        "xtg",
        "parameters",
    ),
    Binding("layer-next", ("]", ")"), "next layer, where the method has one", "Explanation", "xtfg", counts=True),
    Binding("layer-previous", ("[", "("), "layer before", "Explanation", "xtfg", counts=True),
    Binding("pick-layer", ("i",), "the network's modules, to choose a layer", "Explanation", "xtfg"),
    Binding(
        "filter-next", ("}", ">"), "next filter of the layer; from the last one: all", "Explanation", "xtg", counts=True
    ),
    Binding("filter-previous", ("{", "<"), "filter before; from the first one: all", "Explanation", "xtg", counts=True),
    Binding(
        "difference",
        ("d",),
        "difference: this class minus the true one (else the next); Classes: the cell's mean; 100d: of 100 images",
        "Explanation",
        "xc",
        counts=True,
    ),
    Binding("trust", ("T",), "find out how far this map can be trusted", "Explanation", "x"),
    Binding("actions", ("A",), "what else the method can do here; Esc: back to the explanation", "Explanation", "x"),
    Binding(
        "beside",
        ("b",),
        "another network or checkpoint beside this one; 3b: the third; Classes: what is fixed and broken",
        "Explanation",
        "xc",
        counts=True,
    ),
    Binding(
        "beside-next",
        ("g b",),
        "the next of the other networks (of one run: checkpoints) beside this one",
        "Explanation",
        "xc",
        counts=True,
    ),
    Binding("beside-previous", ("g B",), "the one before it", "Explanation", "xc", counts=True),
    Binding("checkpoint-next", (".",), "next checkpoint", "Explanation", counts=True),
    Binding("checkpoint-previous", (",",), "checkpoint before", "Explanation", counts=True),
    Binding(
        "view",
        ("o",),
        "overlay, map, focus, its outline, original, what the model saw; Filters: ascent, outputs, images, class",
        "Picture",
        "xtfg",
        "view",
        counts=True,
    ),
    Binding("view-back", ("O",), "the same, backwards", "Picture", "xtfg", counts=True),
    Binding(
        "rule",
        ("F",),
        "what is in focus: highest fifth, tenth, mean + 1σ, 2σ, segments",
        "Picture",
        "x",
        counts=True,
    ),
    Binding("more", ("+", "="), "heat map more opaque; larger filters or cells", "Picture", "xfg", counts=True),
    Binding("less", ("-",), "heat map less opaque; smaller filters or cells", "Picture", "xfg", counts=True),
    Binding("colours", ("C",), "next colour map", "Picture", "xtg", counts=True),
    Binding("scale", ("u",), "scale of the colours: the map's own, shared with all like it, fixed", "Picture", "xtg"),
    Binding("fix-scale", ("g u",), "fix the scale of the colours at a number", "Picture", "xtg"),
    Binding("value", ("v",), "read the map's values at a point: hjkl or the mouse move it, Esc leaves", "Picture", "x"),
    Binding("words", ("W",), "the picture in words and numbers, or the picture", "Picture", "x"),
    Binding("read", ("g w",), "all notes, and the picture in words, to read in full", "Picture", "x"),
    Binding("tables", ("w",), "tables that came with the explanation: Enter goes where a row leads", "Picture", "xcf"),
    Binding("zoom", ("z",), "the picture alone, as large as it gets, or all panes", "Picture", "x"),
    Binding("open", ("enter",), "images of this cell, hardest first", "Classes", "c", "images"),
    Binding("rates", ("r",), "rates by true class, or counts", "Classes", "c", "rates"),
    Binding(
        "focus", ("f",), "focus by class of the current method; 100f: of 100 images each", "Classes", "c", "focus", True
    ),
    Binding("list-learned", ("enter",), "images that are right from this checkpoint on", "Timeline", "t", "learned"),
    Binding("list-lost", ("w",), "images that were right one checkpoint before", "Timeline", "t", "lost"),
    Binding(
        "list-forgotten", ("f",), "images that were right once and are wrong at the end", "Timeline", "t", "forgotten"
    ),
    Binding("open-filter", ("enter",), "the chosen filter in Explore", "Filters", "f", "open"),
    Binding("order", ("S",), "filters by number, gain, activation, output on this image", "Filters", "f", "sort", True),
    Binding("image-next", ("J",), "next image", "Filters", "f", "image", counts=True),
    Binding("image-previous", ("K",), "image before", "Filters", "f", counts=True),
    Binding("open-place", ("enter",), "the cell's image, class, method, layer in Explore", "Grid", "g", "open"),
    Binding(
        "arrange",
        ("tab",),
        "next arrangement: class sheet, methods by classes, checkpoints, networks; 2Tab: the second",
        "Grid",
        "g",
        "arrange",
        counts=True,
    ),
    Binding("arrange-back", ("shift+tab",), "arrangement before", "Grid", "g"),
    Binding("pick-rows", ("r",), "choose what the rows are", "Grid", "g", "rows"),
    Binding("pick-columns", ("d",), "choose what the columns are", "Grid", "g", "columns"),
    Binding("swap-sides", ("X",), "rows become columns", "Grid", "g"),
    Binding(
        "which-images", ("w",), "images: the best of each class, as listed, the marked ones", "Grid", "g", "images"
    ),
    Binding("marked-grid", ("x",), "the marked images in the Grid", "Screens", "xg"),
    Binding("grid", ("g r",), "the Grid: class sheet, comparison, checkpoints, networks", "Screens", "xctf"),
    Binding("classes", ("g c",), "the classes: what is taken for what", "Screens", "xtfg", "classes"),
    Binding("explore", ("g e",), "the images", "Screens", "ctfg", "explore"),
    Binding("filters", ("g f",), "the filters of a layer: what excites them", "Screens", "xctg", "filters"),
    Binding(
        "timeline", ("g t",), "the timeline: curves over the checkpoints, one image through them", "Screens", "xcfg"
    ),
    Binding("theme", ("ctrl+t",), "choose a theme", "Other"),
    Binding(
        "palette", (":", "ctrl+p"), "find anything by its name: an action, image 412, a class", "Other", hint="find"
    ),
    Binding(
        "export", ("e",), "write explanations, a sheet, marked images or numbers to files", "Other", "xctfg", "export"
    ),
    Binding(
        "report", ("R",), "the report of the marked images, else of the best of each class; again: stop it", "Other"
    ),
    Binding(
        "batch",
        ("B",),
        "explain many images ahead of time: start, watch or stop it; what is stored, by method",
        "Other",
        hint="batch",
    ),
    Binding("screenshot", ("P",), "write the screen as an SVG file", "Other"),
    Binding("copy", ("y",), "copy the command that makes this explanation again", "Other"),
    Binding("understood", ("I",), "what was understood of data and network, and how to say otherwise", "Other", "x"),
    Binding("details", ("!",), "the last fault in full", "Other"),
    Binding("again", ("ctrl+r",), "start the compute process again, where it was given up", "Other"),
    Binding("redraw", ("ctrl+l",), "draw the screen again", "Other"),
    Binding("help", ("?",), "this help", "Other", hint="help"),
    Binding("cancel", ("escape",), "stop the work; then list all images again", "Other"),
    Binding("quit", ("q",), "leave this screen; the last one: leave", "Other", hint="quit"),
    Binding("suspend", ("ctrl+z",), "to the shell; fg comes back", "Other"),
    Binding("leave", ("ctrl+c", "ctrl+q"), "leave at once", "Other"),
)


def bindings_of(screen: str, bindings: Iterable[Binding] = BINDINGS) -> tuple[Binding, ...]:
    """The bindings of one screen."""
    return tuple(binding for binding in bindings if screen in binding.screens)


def remapped(keys: Mapping[str, Sequence[str]]) -> tuple[Binding, ...]:
    """The table with other keys for the actions of these names; ValueError where two of a screen would have the same.

    A key is written as in the table, or with its names joined: `g e` or `ge`.
    """
    ids = [binding.id for binding in BINDINGS]
    for name in keys:
        if name not in ids:
            raise ValueError(f"there is no action {name}{nearest(name, ids)} (fer-tui config keys lists them)")
    table = tuple(
        replace(binding, keys=tuple(map(_spaced, keys[binding.id]))) if binding.id in keys else binding
        for binding in BINDINGS
    )
    for screen in SCREENS:
        taken: dict[str, str] = {}
        for binding in bindings_of(screen, table):
            for key in binding.keys:
                for other, name in taken.items():
                    if f"{key} ".startswith(f"{other} ") or f"{other} ".startswith(f"{key} "):
                        raise ValueError(f"{key_name(key)} is a key of {binding.id} and of {name}")
                if key.isdecimal():
                    raise ValueError(f"{key} of {binding.id} is a digit, and digits are counts")
                taken[key] = binding.id
    return table


def _spaced(key: str) -> str:
    """`ge` as `g e`; names of keys, such as `f5`, `pageup` and `ctrl+l`, as they are."""
    is_name = len(key) == 1 or " " in key or "+" in key or key in _NAMES or re.fullmatch(r"f\d+", key)
    return key if is_name else " ".join(key)


_NAMES = {
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "escape": "Esc",
    "shift+tab": "Shift+Tab",
    "enter": "Enter",
}
_NAMES |= {
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "tab": "Tab",
    "home": "Home",
    "end": "End",
    "space": "Space",
}


def key_name(key: str) -> str:
    """A key as it is shown: `gg`, `PgDn`, `Ctrl+L`."""
    if key.startswith("ctrl+"):
        return f"Ctrl+{key.removeprefix('ctrl+').upper()}"
    return _NAMES.get(key, key.replace(" ", ""))
