"""What a page and its folder hold of a guest: figures, tables, a section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from fer_tui.contract import Gallery, Heatmap, Matrix, plain
from fer_tui.picture import as_csv, table_files, words

from . import findings
from .blocks import means_blocks, regions_table, told_table, trust_table
from .drawing import Drawing
from .figures import gallery_figure, means_figure, method_figure, picture_figure
from .gathering import titled
from .material import Hosted, Material
from .page import Figure, Figures, Findings, Paragraph, Section
from .plots import confusion_figure


def figures_of(host: Hosted, material: Material) -> Iterator[tuple[str, Drawing, str]]:
    """Each figure: its file's name without the suffix, and what the page says of it."""
    for number, explanation in host.made.items():
        each = next(each for each in material.shown if each.number == number)
        stem, told = f"{host.stem}_{number}", f"{host.title}: {words(explanation)}"
        if (number, host.key) in material.maps:
            yield stem, method_figure(material, each, host.key), f"{titled(each, material.classes)}; {told}"
            continue
        place = explanation.meta["place"]
        title = host.title
        if "image" in place:
            title += f" · {titled(each, material.classes)}"
        title += "".join(f" · {axis} {plain(place[axis])}" for axis in ("layer", "filter") if axis in place)
        if "target" in place:
            title += f" · explained: {plain(material.classes[place['target']])}"
        match explanation:
            case Gallery():
                yield stem, gallery_figure(explanation, title), told
            case Matrix():
                yield stem, confusion_figure(explanation, title), told
            case Heatmap():
                yield stem, picture_figure(explanation, title), told
    if host.key in material.means:
        caption = f"Mean maps of {host.title} by class, right and wrong."
        yield f"{host.stem}_mean", means_figure(material, material.means[host.key]), caption


def tables_of(host: Hosted, material: Material) -> Iterator[tuple[str, str]]:
    """Each table that the guest tells: its file's name, and the file."""
    for number, explanation in host.made.items():
        for file, table in table_files(Path(f"{host.stem}_{number}"), explanation).items():
            yield file.name, as_csv(table, material.classes)


def section_of(number: int, host: Hosted, material: Material, figures: Mapping[str, Figure]) -> Section:
    """The section. figures: all of the page, by their files' names without the suffix."""
    section = Section(f"{number}. {host.title}")
    section.blocks += [Paragraph(text) for text in _introduced(host)]
    own = [figures[f"{host.stem}_{each}"] for each in host.made]
    are_maps = any(of == host.key for _, of in material.maps)
    if own:
        section.blocks.append(Figures(own, wide=not are_maps))
    if f"{host.stem}_mean" in figures:
        section.blocks += means_blocks(material, figures[f"{host.stem}_mean"])
    if host.key in material.focus:
        section.blocks.append(regions_table(material.focus[host.key], host.title))
    if any(material.judged(host.key)):
        section.blocks.append(trust_table(material, [host.key]))
    first = next(iter(host.made), None)
    if first is not None:
        explanation = host.made[first]
        files = table_files(Path(f"{host.stem}_{first}"), explanation)
        named = zip(explanation.tables, files, strict=True)
        section.blocks += [told_table(name, files[file], material.classes, file.name) for name, file in named]
    if are_maps:
        section.blocks.append(Findings([
            *(findings.of_regions(material, host.key) if host.key in material.means else ()),
            *findings.of_likeness(material, host.key),
            *findings.of_trust(material, [host.key]),
        ]))  # fmt: skip
    return section


def _introduced(host: Hosted) -> Iterator[str]:
    """What the explainer says of itself, what it was asked for, what went wrong."""
    if host.description is not None:
        told = host.description
        parameters = f", with {host.guest.words}" if host.guest.parameters else ""
        yield (
            f"{told.help.rstrip('.')}. By the explainer {told.name}, version {told.version}, of the package "
            f"{told.distribution or 'that is not known'}{parameters}."
        )
        if told.kind == "heatmap" and told.cost == "slow":
            yield "The means are of the images whose LIME is averaged, for a map takes long."
    if host.fault:
        rest = ": what it had made until then is shown" if host.made else ""
        yield f"It failed{rest}. {host.fault}"
