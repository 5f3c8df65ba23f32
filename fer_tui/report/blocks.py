"""Blocks that several sections of a page have: means, shares by region, trust, tables of explainers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fer_tui.contract import Table as Told
from fer_tui.contract import plain
from fer_tui.picture import cells, heading
from fer_tui.regions import FocusTable

from .material import Material
from .page import Figure, Figures, Paragraph, Table

MOST_LISTED = 30  # classes up to which a table lists them all
_MOST_ROWS = 12  # of an explainer's own table


def means_blocks(material: Material, figure: Figure) -> Iterator[Paragraph | Figures]:
    """A figure of mean maps, and how they are made."""
    text = (
        "Means over images drawn at random from each class, those predicted rightly and wrongly apart; each map is "
        "divided by the mean of its absolute values first, and explains what was predicted."
    )
    if not material.aligned:
        text += " The pictures are not known to be aligned: a mean tells where in the frame, not which part."
    yield Paragraph(text)
    yield Figures([figure], wide=True)


def regions_table(table: FocusTable, title: str) -> Table:
    """Shares by class and region, with intervals."""
    listed = [each for each in table.classes if each.every is not None][:MOST_LISTED]
    if table.whole is not None:
        listed.append(table.whole)
    names = [region.name for region in listed[-1].every.regions] if listed and listed[-1].every else []
    rows = [
        (
            each.name,
            str(each.every.images),
            "-" if each.recall is None else f"{each.recall:.4f}",
            *(region.absolute.told() for region in each.every.regions),
        )
        for each in listed
        if each.every is not None
    ]
    caption = f"{title}: shares of the attribution in %, mean and 95 % interval by bootstrap, by {table.by}"
    return Table(caption, ("class", "images", "recall", *names), rows)


def trust_table(material: Material, methods: Sequence[str]) -> Table:
    """What was found of every map that is shown."""
    rows = []
    for method in methods:
        for each, trust in material.judged(method):
            curves, random = trust["curves"], trust["randomised"]
            rows.append(
                (
                    f"{material.title(method)}, row {each.row}",
                    f"{curves['deletion']:.3f} ({curves['random_deletion']:.3f})",
                    f"{curves['insertion']:.3f} ({curves['random_insertion']:.3f})",
                    " / ".join("-" if rho is None else f"{rho:.2f}" for _, rho in random),
                    "-" if trust["stability"] is None else f"{trust['stability']:.2f}",
                    ", ".join(name for name, ok in trust["verdicts"].items() if not ok) or "-",
                )
            )
    headings = ("map", "deletion (random)", "insertion (random)", "last layer / all random", "other seed", "fails")
    caption = (
        "Trust of every map shown: areas under the class's probability as pixels go or come, strongest first (a "
        "low deletion and a high insertion are good); rank correlations with the map of a network made random, and "
        "with the map under another seed"
    )
    return Table(caption, headings, rows)


def told_table(name: str, table: Told, classes: Sequence[str], file: str) -> Table:
    """The first rows of a table that an explainer tells; file: where all of them are."""
    rows = cells(table, classes)
    caption = f"{plain(name)}: {plain(table.caption)}" if table.caption else plain(name)
    some = f"the first {_MOST_ROWS} of {len(rows):,} rows; all in " if len(rows) > _MOST_ROWS else ""
    caption += f" ({some}{file})"
    words = all(each.align == "left" for each in table.columns[1:])
    return Table(caption, list(map(heading, table.columns)), rows[:_MOST_ROWS], words=words)
