"""A report from its material: the figures by the homework's names, and the page in its four questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fer_tui.contract import plain
from fer_tui.picture import words

from . import findings
from .asked import Asked
from .blocks import MOST_LISTED, means_blocks, regions_table, trust_table
from .choosing import RULES_TOLD
from .drawing import Drawing
from .figures import ascent_figure, means_figure, method_figure, outputs_figure, pairs_figure
from .gathering import titled
from .guests import figures_of, section_of
from .material import METHODS, TITLES, Material
from .page import Figure, Figures, Findings, Page, Paragraph, Section, Table
from .plots import confusion_figure, recall_figure

_NUMBERS = {"saliency": 1, "lime": 3, "cam": 4}  # of the homework's figures


def drawn(material: Material) -> Iterator[tuple[str, Drawing, str]]:
    """Every figure: its file's name without the suffix, and what the page says of it."""
    for stem, drawing in _drawn(material):
        yield stem, drawing, _caption(stem, material)
    for host in material.guests:
        yield from figures_of(host, material)


def _drawn(material: Material) -> Iterator[tuple[str, Drawing]]:
    for method, number in _NUMBERS.items():
        for each in material.shown:
            yield f"fig{number}_{each.number}", method_figure(material, each, method)
    if material.filters is not None:
        yield "fig2_1", ascent_figure(material.filters)
        yield "fig2_2", outputs_figure(material.filters, material.classes)
    if material.known.labelled:
        yield "confusion", confusion_figure(material.matrix)
    for method, means in material.means.items():
        if method in METHODS:
            yield f"mean_{method}", means_figure(material, means)
    if any(pair.contrast is not None for pair in material.pairs):
        yield "pairs", pairs_figure(material)
    table = material.focus.get("cam")
    plot = recall_figure(table) if table is not None else None
    if plot is not None:
        yield "recall_focus", plot


@dataclass(frozen=True, slots=True)
class Composer:
    """Makes the page. figures: the files' names by their stems, and what they show in words. about: see `head`."""

    material: Material
    asked: Asked
    figures: Mapping[str, Figure]
    about: Mapping[str, Any]

    def page(self) -> Page:
        own = [self._head(), self._where(), self._filters(), self._confusion(), self._trust()]
        guests = enumerate(self.material.guests, len(own))
        others = [section_of(number, host, self.material, self.figures) for number, host in guests]
        return Page(f"What {plain(self.material.network)} looks at", own + others)

    def _head(self) -> Section:
        material, asked = self.material, self.asked
        section = Section("What was looked at")
        section.blocks.append(
            Table(
                "Network, data and settings",
                ("what", "value"),
                [(k, str(v)) for k, v in self.about.items()],
                words=True,
            )
        )
        if isinstance(asked.images, str):
            chosen = f"Shown is {RULES_TOLD[asked.images]}; rows are counted from 0 in the data as they were opened."
        else:
            chosen = "Shown are the rows that were named, in their order; rows are counted from 0."
        section.blocks.append(Paragraph(chosen))
        rows = [
            (
                str(each.number),
                str(each.row),
                material.classes[each.listed] if each.listed >= 0 else "-",
                material.classes[each.predicted],
                f"{each.sure:.4f}",
                material.classes[each.target],
                each.remark or "-",
            )
            for each in material.shown
        ]
        headings = ("number", "row", "class", "predicted", "probability of the class", "explained", "remark")
        section.blocks.append(Table("The images that are shown", headings, rows, words=True))
        missing = [
            plain(name)
            for index, name in enumerate(material.classes)
            if isinstance(asked.images, str) and all(each.number != index for each in material.shown)
        ]
        if missing:
            section.blocks.append(Paragraph(f"No image is of: {', '.join(missing)}."))
        section.blocks += [Paragraph(note) for note in material.notes]
        return section

    def _where(self) -> Section:
        section = Section("1. Where does the network look?")
        section.blocks.append(
            Paragraph(
                "Saliency is the size of the gradient of the class's score by each pixel (Simonyan et al. 2013): "
                "how much a small change there would change the score."
            )
        )
        section.blocks += self._maps("saliency")
        section.blocks += self._means("saliency")
        table = self.material.focus.get("saliency")
        if table is not None:
            section.blocks.append(regions_table(table, TITLES["saliency"]))
        section.blocks.append(Findings(list(findings.of_regions(self.material, "saliency"))))
        return section

    def _filters(self) -> Section:
        section, material = Section("2. What do the filters look for?"), self.material
        if material.filters is not None:
            text = (
                "Pictures that excite the filters of a layer most, by gradient ascent from white noise, and what the "
                "filters of that layer answer to one image."
            )
            section.blocks.append(Paragraph(text))
            section.blocks.append(Figures([self.figures["fig2_1"], self.figures["fig2_2"]], wide=True))
        first = material.first
        if first is not None:
            top = findings.strongest(first, material.classes)
            rows = [(name, *map(str, filters)) for name, filters in list(top.items())[:MOST_LISTED]]
            caption = f"The filters of {first.layer} with the highest mean activation, by class"
            width = max((len(row) for row in rows), default=1)
            section.blocks.append(Table(caption, ("class", *_ORDINALS[: width - 1]), rows))
        section.blocks.append(Findings(list(findings.of_filters(first, material.classes, material.seed))))
        return section

    def _confusion(self) -> Section:
        section = Section("3. What is confused, and what moves the decision?")
        if "confusion" in self.figures:
            section.blocks.append(Figures([self.figures["confusion"]], wide=True))
        section.blocks.append(
            Paragraph(
                "LIME hides segments of the image at random and fits a linear model to the class's probability "
                "(Ribeiro et al. 2016): segments in orange speak for the class, those in blue against it. "
                + self.asked.samples_told(self.material.values)
            )
        )
        section.blocks += self._maps("lime")
        section.blocks += self._means("lime")
        if "pairs" in self.figures:
            section.blocks.append(Figures([self.figures["pairs"]], wide=True))
        section.blocks.append(Findings(list(findings.of_confusion(self.material))))
        return section

    def _trust(self) -> Section:
        material = self.material
        section = Section("4. Is a class recognised because of where it is read, and can the maps be trusted?")
        variant = "" if material.cam == "cam" else f" ({_VARIANTS[material.cam]})"
        section.blocks.append(
            Paragraph(f"CAM{variant} shows where the last maps of the network speak for the class (Zhou et al. 2016).")
        )
        section.blocks += [Paragraph(note) for note in dict.fromkeys(self._cam_notes())]
        section.blocks += self._maps("cam")
        section.blocks += self._means("cam")
        if "recall_focus" in self.figures:
            section.blocks.append(Figures([self.figures["recall_focus"]], wide=True))
        table = material.focus.get("cam")
        found = list(findings.of_regions(material, "cam")) if table is not None else []
        if table is not None:
            section.blocks.append(regions_table(table, TITLES["cam"]))
        section.blocks.append(trust_table(material, METHODS))
        found += [
            *findings.of_focus(material, "cam"),
            *findings.of_likeness(material),
            *findings.of_trust(material),
        ]
        section.blocks.append(Findings(found))
        return section

    def _cam_notes(self) -> Iterator[str]:
        if self.material.cam == "gap-fit":
            yield from self.material.maps[self.material.shown[0].number, "cam"].notes[:1]

    def _maps(self, method: str) -> Iterator[Figures]:
        yield Figures([self.figures[f"fig{_NUMBERS[method]}_{each.number}"] for each in self.material.shown])

    def _means(self, method: str) -> Iterator[Paragraph | Figures]:
        if f"mean_{method}" in self.figures:
            yield from means_blocks(self.material, self.figures[f"mean_{method}"])


_ORDINALS = ("strongest", "second", "third")
_VARIANTS = {"gap-fit": "a linear layer fitted to the data stands in for a pooling head", "grad": "Grad-CAM"}


def _caption(stem: str, material: Material) -> str:
    for method, number in _NUMBERS.items():
        if stem.startswith(f"fig{number}_"):
            each = next(e for e in material.shown if f"{e.number}" == stem.partition("_")[2])
            heatmap = material.maps[each.number, method]
            return f"{titled(each, material.classes)}; {TITLES[method]}: {words(heatmap)}"
    return {
        "fig2_1": "What excites each filter most, from white noise.",
        "fig2_2": "The filters' outputs on one image; the strongest are framed in red and numbered.",
        "confusion": words(material.matrix),
        "mean_saliency": "Mean saliency by class, right and wrong.",
        "mean_cam": "Mean CAM by class, right and wrong.",
        "mean_lime": "Mean LIME by class, right and wrong.",
        "pairs": "Orange speaks for the class that was predicted, blue for the true one.",
        "recall_focus": "Each class: recall over all rows, share of CAM inside the face with its 95 % interval.",
    }[stem]
