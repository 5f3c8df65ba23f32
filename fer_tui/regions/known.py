"""Regions by name, and those that are known of the data that are open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fer_tui.contract import FER_CLASSES, InputError, read_masks
from fer_tui.dataset import same_classes

from .layout import SIZE, face_layout
from .regions import Regions, regions_of

if TYPE_CHECKING:
    from fer_tui.dataset import MappedDataset

SPECS = ("layout", "layout:scaled", "samples")


def named_regions(spec: str | Path) -> Regions:
    """The regions that a text names: layout, layout:scaled, samples (their true masks), or files of masks."""
    match str(spec):
        case "layout":
            return face_layout()
        case "layout:scaled":
            return face_layout(scaled=True)
        case "samples":
            import fer_tui_samples

            return regions_of(fer_tui_samples.load_masks(), "samples")
    return regions_of(read_masks(spec, others=", ".join(SPECS)), str(spec))


def open_regions(spec: str, data: str | None, dataset: MappedDataset) -> Regions:
    """The regions that a text names for what is open; "auto": those known of it. InputError where there are none."""
    if spec == "auto":
        known = known_regions(data, dataset)
        if known is None:
            fault = "known are those of the samples, and of aligned faces of 48 x 48 with FER2013's seven classes"
            raise InputError("regions auto", fault, f"name {', '.join(SPECS[:2])}, or a file or folder of masks")
        return named_regions(known)
    if spec == "samples" and not is_samples(data):
        raise InputError("regions samples", "other data are open", "leave the data out, or name layout")
    return named_regions(spec)


def known_regions(data: str | None, dataset: MappedDataset) -> str | None:
    """The name of the regions that fit what is open, None where none are known.

    data: what the settings name, None for the samples. Their true masks are known; of other pictures of 48 x 48 with
    FER2013's seven classes it is taken that they are aligned faces.
    """
    if is_samples(data):
        return "samples"
    shape = dataset.uniform_shape
    aligned = shape is not None and shape[:2] == (SIZE, SIZE) and same_classes(dataset.classes, FER_CLASSES)
    return "layout" if aligned else None


def is_samples(data: str | None) -> bool:
    """Whether the settings' data are the bundled samples."""
    if data is None:
        return True
    import fer_tui_samples

    return bool(Path(data).expanduser().resolve() == fer_tui_samples.faces_path().resolve())
