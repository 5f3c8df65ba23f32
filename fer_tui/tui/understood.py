"""What was understood of data and network, in words, with the flag that mends what was guessed wrongly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.contract import plain

if TYPE_CHECKING:
    from fer_tui.dataset import MappedDataset
    from fer_tui.engine import Settings
    from fer_tui.engine.messages import ClassifierOpened

    from .project import Project

_MOST = 12  # classes that are told one by one
Fact = tuple[str, str, str]  # what it is of, what it is, how it is mended


def facts(project: Project) -> Iterator[Fact]:
    """What there is to tell by now."""
    settings = project.settings
    if project.dataset is None:
        yield "data", "is read …", ""
    else:
        yield from _of_data(project.dataset, project.name, settings)
    if project.classifier is None:
        yield "network", "is opened …", ""
    else:
        yield from _of_network(project.classifier)
    if settings is not None:
        yield _preprocessing(settings)
    for note in project.notes:
        yield "note", plain(note), ""


def _of_data(dataset: MappedDataset, name: str, settings: Settings | None) -> Iterator[Fact]:
    yield "data", name, ""
    if len(dataset.splits) > 1:
        others = ", ".join(map(plain, dataset.splits))
        which = plain(dataset.split) if dataset.split is not None else "all"
        yield "split", f"{which} of {others}", "" if settings is not None and settings.split else "--split"
    first = dataset.shown(0) if len(dataset) else None
    size = f", {first.shape[0]} × {first.shape[1]} {'gray' if first.ndim == 2 else 'RGB'}" if first is not None else ""
    limited = f", the first {settings.limit:,} only" if settings is not None and settings.limit else ""
    yield "images", f"{len(dataset):,}{size}{limited}", ""
    counts = dataset.counts
    if int(counts.sum()) == 0:
        yield "labels", "none: there is no true class", ""
        return
    told = [f"{plain(each)} {count:,}" for each, count in zip(dataset.classes, counts.tolist(), strict=True)]
    more = f", and {len(told) - _MOST} more" if len(told) > _MOST else ""
    yield "classes", ", ".join(told[:_MOST]) + more, ""
    unlabelled = int(np.count_nonzero(dataset.labels < 0))
    if unlabelled:
        yield "labels", f"{unlabelled:,} images have none", ""


def _of_network(network: ClassifierOpened) -> Iterator[Fact]:
    count = len(network.checkpoints)
    yield "network", plain(network.name) + (f", {count} checkpoints" if count > 1 else ""), ""
    channels, height, width = network.input_shape
    fitted = {"stretch": "stretched", "crop": "cropped", "pad": "padded"}.get(network.fit, network.fit)
    kind = {1: "gray", 3: "RGB"}.get(channels, f"{channels} channels")
    yield "input", f"{height} × {width} {kind}; pictures of another size are {fitted}", "--size, --fit"
    names = list(map(plain, network.classes))
    more = ", …" if len(names) > _MOST else ""
    yield "output", f"{len(names)} classes: {', '.join(names[:_MOST])}{more}", "--classes, --output"
    filters = [each for each in network.layers if each.filters]
    yield "layers", f"{len(network.layers)}, {len(filters)} of them with filters", ""
    if filters:
        last = filters[-1]
        shape = " × ".join(map(str, last.shape))
        yield "", f"the last with filters: {plain(last.name)} ({plain(last.kind)}), {shape}", ""
    if network.layers:
        head = network.layers[-1]
        yield "head", f"{plain(head.name)} ({plain(head.kind)})", ""


def _preprocessing(settings: Settings) -> Fact:
    if settings.transform is not None:
        return "pixels", f"as {plain(settings.transform)} makes them", "--transform"
    first = "histogram equalised, then " if settings.equalise else ""
    mean, std = (", ".join(f"{number:g}" for number in each) for each in (settings.mean, settings.std))
    if (set(settings.mean), set(settings.std)) == ({0.0}, {1.0}):
        return "pixels", f"{first}x / 255, from 0 to 1", "--mean, --std"
    return "pixels", f"{first}(x / 255 - [{mean}]) / [{std}]", "--mean, --std"
