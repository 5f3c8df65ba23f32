"""What the popup of batches tells: the form, what it would cost, how far it is, what is stored already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from fer_tui.amounts import duration, size
from fer_tui.contract import plain
from fer_tui.tui.batch_form import METHOD, NAMES, BatchForm
from fer_tui.tui.widgets.lines import Inks, cut, filled
from fer_tui.tui.widgets.picture_pane import folded, wrapped
from fer_tui.tui.widgets.side import shown

if TYPE_CHECKING:
    from fer_tui.contract import Description
    from fer_tui.engine.entries import Usage
    from fer_tui.tui.batches import Batches
    from fer_tui.tui.batching import Progress
    from fer_tui.tui.choice import Choice
    from fer_tui.tui.estimating import Estimating
    from fer_tui.tui.stored import Share

_BAR = 24  # cells


def form_lines(form: BatchForm, choice: Choice, width: int, inks: Inks) -> Iterator[tuple[int, Text]]:
    """Lines with the number of their field: one for each, and one for parameters that are not as usual."""
    room = max(map(len, NAMES.values()))
    for number, name in enumerate(form.fields):
        is_here, chosen = number == form.at, form.chosen(name)
        value = cut(chosen.title, min(len(chosen.title), width - room - 8))
        yield (
            number,
            Text.assemble(
                ("▸ " if is_here else "  ", inks.accent),
                (f"{NAMES[name]:{room}}  ", inks.strong if is_here else inks.muted),
                (f"‹ {value} ›" if is_here and len(form.fields[name]) > 1 else value, inks.plain),
            ),
        )
        if name == METHOD and form.method is not None and (told := _parameters(form.method, choice)):
            yield number, Text(cut(f"{'':{room + 4}}{told}", width).rstrip(), inks.muted)


def _parameters(method: Description, choice: Choice) -> str:
    usual, now = choice.usual(method), choice.parameters(method)
    other = [f"{name} {shown(value)}" for name, value in now.items() if value != usual[name]]
    return ", ".join(map(plain, other))


def estimate_lines(estimates: Estimating, width: int, inks: Inks) -> Iterator[Text]:
    """What the batch would make and cost."""
    found = estimates.estimate
    if estimates.fault:
        yield from wrapped(estimates.fault, width, 2, inks.wrong)
    elif found is None:
        yield Text("measuring what it would take …", inks.muted)
    elif not found.missing:
        yield Text(f"{found.total:,} maps, all of them stored already", inks.right)
    else:
        line = Text(f"{found.total:,} maps", inks.strong)
        line.append(f", {found.missing:,} of them to be made" if found.missing < found.total else "", inks.strong)
        line.append(f" · about {duration(found.seconds)}" if found.seconds is not None else "", inks.plain)
        line.append(f" · {size(found.bytes)}" if found.bytes is not None else "", inks.plain)
        yield line


def progress_lines(batches: Batches, width: int, inks: Inks) -> Iterator[Text]:
    """How far the batch is that is at work."""
    now, progress = batches.now, batches.progress
    if now is None:
        return
    yield from wrapped(now.title, width, 2, inks.strong)
    share = progress.share
    if share is None:
        yield Text("starting …", inks.muted)
        return
    room = max(4, width - 6)
    yield Text.assemble((filled(share, room), inks.bar), (f"{share:6.0%}", inks.strong))
    yield from folded(Text(" · ").join(map(Text, _numbers(progress))), width)
    if progress.aside:
        yield Text(f"{progress.aside:,} set aside: they failed and the others go on", inks.wrong)


def _numbers(progress: Progress) -> Iterator[str]:
    there = f"{progress.total - progress.missing:,} of {progress.total:,}"
    yield f"first the predictions: {there}" if progress.stage == "predictions" else f"{there} maps are there"
    if progress.rate:
        yield f"{progress.rate:,.1f} a second" if progress.rate < 10 else f"{progress.rate:,.0f} a second"
    if progress.left is not None:
        yield f"{duration(progress.left)} left"
    if progress.bytes:
        yield size(progress.bytes)


def status_words(batches: Batches) -> str | None:
    """The batch in a few words for the line of status; None while there is none."""
    if batches.now is None:
        return None
    progress = batches.progress
    if progress.share is None:
        return "starting"
    left = f" {duration(progress.left)} left" if progress.left is not None else ""
    return f"{progress.total - progress.missing:,}/{progress.total:,}{left}"


def stored_lines(
    titles: Sequence[str], shares: dict[int, Share], current: int, width: int, room: int, inks: Inks
) -> Iterator[Text]:
    """A bar for each method, in at most `room` lines: what is stored of the chosen images. The current one is shown."""
    names = min(max(map(len, titles), default=0), max(8, width - _BAR - 22))
    first = min(max(0, current - room + 1), max(0, len(titles) - room))
    for number, title in list(enumerate(titles))[first : first + room]:
        ink = inks.accent if number == current else inks.plain
        line = Text.assemble(("▸ " if number == current else "  ", inks.accent), (f"{cut(title, names)}  ", ink))
        share = shares.get(number)
        line.append_text(share_bar(share, min(_BAR, width - names - 22), inks))
        yield line.append(
            f"  {share.found:,} of {share.looked:,}" if share is not None and share.found else "", inks.muted
        )


def share_bar(share: Share | None, cells: int, inks: Inks) -> Text:
    """A bar and the share: 1% at least where there are any, 99% at most where there are not all."""
    if share is None or share.part is None:
        return Text("…" if share is None else "–", inks.muted)
    part = share.part if share.found in (0, share.looked) else min(max(share.part, 0.01), 0.99)
    return Text.assemble(
        (filled(share.part, cells), inks.bar), (f"{part:5.0%}", inks.strong if share.found else inks.muted)
    )


def store_lines(usages: Sequence[tuple[Usage, str]], width: int, inks: Inks) -> Iterator[Text]:
    """The stores that are read, the own one first, each with its entries, or why it is off."""
    for number, (usage, note) in enumerate(usages):
        role = "kept in" if not number else "read, too"
        entries = f"{usage.entries:,} entr{'y' if usage.entries == 1 else 'ies'}"
        told = note or f"{entries}, {size(usage.bytes)}"
        room = max(8, width - len(role) - len(told) - 4)
        folder = plain(usage.path.parent)
        folder = folder if len(folder) <= room else f"…{folder[-room + 1 :]}"
        yield Text.assemble((f"{role} ", inks.muted), (folder, inks.plain), (f"  {plain(told)}", inks.muted))
