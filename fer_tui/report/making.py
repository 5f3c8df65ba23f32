"""Makes a report: gathers, draws, composes; all its files in memory, so that a folder is never half a report."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from fer_tui.engine import Engine, Store

from .asked import Asked
from .composing import Composer, drawn
from .crew import Crew
from .drawing import Drawing
from .gathering import gathered
from .guests import tables_of
from .hosting import step_of
from .html import html
from .manifest import MANIFEST, Manifest, digest_of
from .markdown import markdown
from .material import Material
from .numbers import as_json, numbers
from .page import Figure, Page
from .painting import Format, encoded

if TYPE_CHECKING:
    from fer_tui.classifier import TorchClassifier
    from fer_tui.dataset import MappedDataset
    from fer_tui.engine import Session, Settings
    from fer_tui.regions import Regions

# Of the whole time, by step: measured on 28,709 faces of 48 x 48 with a small network, on two cores.
_PARTS = {
    "predictions": 0.30,
    "head of CAM": 0.02,
    "saliency and its trust": 0.04,
    "cam and its trust": 0.04,
    "lime and its trust": 0.14,
    "filters": 0.03,
    "saliency and CAM of many images": 0.10,
    "LIME of many images": 0.27,
    "what moved the mistakes": 0.01,
    "the first layer": 0.01,
    "drawing": 0.04,
}
_GUEST = 0.2  # of the time of all these

_MANY = 12  # images that are shown, from which on a page would grow too large


class Made:
    """A finished report: files by name (the manifest among them), and its page."""

    def __init__(self, files: dict[str, bytes], page: Page, material: Material) -> None:
        self.files, self.page, self.material = files, page, material


def made(
    session: Session, asked: Asked, regions: Regions | None, *, stored: bool = True, settings: Settings | None = None
) -> Iterator[tuple[str, float] | Made]:
    """Steps with the share of all work that is done, then the report. stored: what an earlier report left in the store
    is taken from it. settings: what the session was opened with, so that idle cores can help; None: they cannot.

    The network runs on one thread in passes of one size, and only what reports have kept is used, for the last digits
    of a map hang on how many were made together: so the same input gives the same bits, whatever the cores.
    """
    with ExitStack() as stack:
        stack.enter_context(_one_thread())
        own = session.store.own if session.store is not None else None
        if stored and own is not None and own.is_on:
            folder = own.path.parent
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fer-tui-")))
        engine = steady_engine(session.classifier, session.dataset, folder)
        if engine.store is not None:
            stack.enter_context(closing(engine.store))
        able = settings if session.classifier.device.type == "cpu" else None  # one process at a time has a GPU's memory
        crew = stack.enter_context(closing(Crew(able, folder)))
        yield from _made(session, engine, crew, asked, regions)


def steady_engine(classifier: TorchClassifier, dataset: MappedDataset, folder: Path) -> Engine:
    """The engine of a report, which finds in the store of that folder what reports have put there, and only that."""
    return Engine(classifier.steady(), dataset, Store.open(folder).apart("report"))


@contextmanager
def _one_thread() -> Iterator[None]:
    """More threads round otherwise, hardly help a small network, and wait badly where cores are taken."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _made(
    session: Session, engine: Engine, crew: Crew, asked: Asked, regions: Regions | None
) -> Iterator[tuple[str, float] | Made]:
    shares = _shares(asked)
    before, at = 0.0, ""
    material = None
    for step in gathered(engine, crew, asked, regions):
        if isinstance(step, Material):
            material = step
            break
        what, share = step
        if what != at:
            before, at = _before(what, shares), what
        yield what, before + shares[what] * min(1.0, share)
    assert material is not None
    before, files, figures, shown = _before("drawing", shares), {}, {}, {}
    count = (3 + len(material.guests)) * len(material.shown) + 8
    for number, (stem, drawing, caption) in enumerate(drawn(material)):
        name = f"{stem}.{asked.form}"
        files[name] = encoded(drawing, asked.form)
        figures[stem] = Figure(name, caption, drawing.words)
        shown[name] = on_page(drawing, asked.form, files[name], many=len(material.shown) > _MANY)
        yield "drawing", before + shares["drawing"] * min(1.0, number / count)
    for host in material.guests:
        files |= {name: text.encode("utf-8", "replace") for name, text in tables_of(host, material)}
    inputs = inputs_of(session, asked, regions)
    about = _about(session, asked, material, inputs)
    page = Composer(material, asked, figures, about).page()
    files["report.html"] = html(page, shown).encode("utf-8", "replace")
    files["report.md"] = markdown(page).encode("utf-8", "replace")
    files["report.json"] = as_json(numbers(material, page, about, asked.to_dict())).encode()
    files[MANIFEST] = Manifest.of(asked, inputs, files).to_json()
    yield Made(files, page, material)


def on_page(drawing: Drawing, form: Format, file: bytes, *, many: bool) -> bytes:
    """The figure as the page holds it: smaller where there are many, so that a browser opens it quickly."""
    if form == "svg" or (form != "pdf" and not many):
        return file
    if many:  # small pictures take least as they are, large ones as JPEG
        return min(encoded(drawing, "svg"), encoded(drawing, "jpg", 1), key=len)
    return encoded(drawing, "png")


def inputs_of(session: Session, asked: Asked, regions: Regions | None) -> dict[str, str]:
    """Digests of the network, of the data under the names of the classes, and of the regions; the kind of device."""
    classifier = session.classifier
    number = asked.checkpoint if asked.checkpoint is not None else classifier.default
    dataset = session.dataset.aligned(classifier.classes)
    masks = digest_of(repr(regions.names).encode() + regions.masks.tobytes()) if regions is not None else "none"
    return {
        "network": classifier.at(number).digest,
        "data": dataset.key,
        "regions": masks,
        "device": classifier.device.type,
    }


def _shares(asked: Asked) -> dict[str, float]:
    """Of the whole time by step, in order: guests explain before all is drawn."""
    guests = {step_of(str(each)): _GUEST for each in asked.guests}
    parts = {**{name: share for name, share in _PARTS.items() if name != "drawing"}, **guests}
    parts["drawing"] = _PARTS["drawing"]
    whole = sum(parts.values())
    return {name: share / whole for name, share in parts.items()}


def _before(what: str, shares: Mapping[str, float]) -> float:
    names = list(shares)
    return sum(shares[name] for name in names[: names.index(what)])


def _about(session: Session, asked: Asked, material: Material, inputs: dict[str, str]) -> dict[str, Any]:
    """What the page begins with: names without their folders, numbers, no time."""
    meta, dataset = material.matrix.meta, session.dataset
    accuracy, f1, calibration = (meta.get(key) for key in ("accuracy", "macro_f1", "calibration_error"))
    channels, height, width = session.classifier.input_shape
    return {
        "network": f"{PurePath(material.network).name}, input {channels} x {height} x {width}",
        "digest of the network": inputs["network"],
        "data": PurePath(dataset.name).name + (f", split {dataset.split}" if dataset.split else ""),
        "digest of the data": inputs["data"],
        "rows": len(dataset),
        "classes": ", ".join(material.classes[:20]) + (", ..." if len(material.classes) > 20 else ""),
        "accuracy": "-" if accuracy is None else f"{accuracy:.4f}",
        "macro F1": "-" if f1 is None else f"{f1:.4f}",
        "calibration error": "-" if calibration is None else f"{calibration:.4f}",
        "CAM": material.cam,
        **({"beside these": "; ".join(map(str, asked.guests))} if asked.guests else {}),
        "seed": asked.seed,
        "device": inputs["device"],
    }
