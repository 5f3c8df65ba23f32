"""Draws the place: picture pane and right pane from the desk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.text import Text

from fer_tui.contract import Explanation, Heatmap, plain
from fer_tui.tui.acting import title_of
from fer_tui.tui.asking import Answered
from fer_tui.tui.bindings import key_name
from fer_tui.tui.pointing import Pointer, marked, told
from fer_tui.tui.widgets.colour_bar import Bar
from fer_tui.tui.widgets.lines import Inks, Lines, inks_of
from fer_tui.tui.widgets.picture_pane import PicturePane, fitted, folded, wrapped
from fer_tui.tui.widgets.side import ClassScores, Methods, ScoreBars, parameter_lines

from .abreast import side_caption, side_title

if TYPE_CHECKING:
    from fer_tui.tui.browser import Browser
    from fer_tui.tui.desk import Desk
    from fer_tui.tui.look import Look

    from .explore import Explore

_OTHER_LINES = 8  # of the right pane, that are not bars


def draw_picture(pane: PicturePane, desk: Desk) -> None:
    """Title, picture, caption."""
    inks, browser, dataset = inks_of(pane.app), desk.browser, desk.project.dataset
    if browser is None or dataset is None or browser.row is None:
        nothing = "" if browser is None else "no image is listed: Esc lists all again"
        pane.show_title(Text(nothing, inks.muted))
        pane.show(None)
        pane.show_caption([])
        return
    draw_title(pane, desk)
    answered, beside = desk.image.answered, desk.beside
    width = pane.content_region.width or pane.size.width
    explanation, look = answered.explanation, desk.look
    if isinstance(explanation, Heatmap) and answered.final:
        look.scales.seen.see(explanation)
    heatmap, pointer = explanation if isinstance(explanation, Heatmap) else None, pane.pointer
    if heatmap is not None and pointer is not None:
        pointer.see(heatmap, final=answered.final)
    picture = look.picture(explanation, dataset.shown(browser.row))
    if pointer is not None and not pane.picture.in_pixels:
        picture = marked(picture, pointer)
    pane.show(picture, has_bar=_has_bar(desk), bar=_bar(look, explanation, pointer))
    pane.show_words(list(twin(desk)) if look.in_words else None)
    pane.show_pointer(heatmap.values.shape if heatmap is not None else None)
    if beside.shown and pointer is None:
        caption = list(side_caption(desk, answered, browser.predictions, "", width, inks))
    else:
        caption = list(_caption(answered, desk, width, pane.caption_lines, inks, pointer))
    if browser.marks is not None and browser.row in browser.marks.notes:
        caption[1:1] = wrapped(f"note: {plain(browser.marks.notes[browser.row])}", width, 2, inks.strong)
    pane.show_caption(fitted(caption, pane.caption_lines))


def draw_title(pane: PicturePane, desk: Desk) -> None:
    """Which image it is, and what is known of it."""
    inks, browser, dataset = inks_of(pane.app), desk.browser, desk.project.dataset
    if browser is None or dataset is None or browser.row is None:
        return
    if desk.beside.shown:
        width = pane.content_region.width or pane.size.width
        pane.show_title(side_title(desk, browser.checkpoint, browser.predictions, width, inks))
    else:
        pane.show_title(_title(browser, dataset.name_of(browser.row), inks))


def draw_beside(pane: PicturePane, desk: Desk) -> None:
    """The same of the checkpoint beside the current one."""
    inks, browser, dataset, beside = inks_of(pane.app), desk.browser, desk.project.dataset, desk.beside
    if browser is None or dataset is None or browser.row is None or beside.partner is None:
        pane.show(None)
        pane.show_caption([])
        return
    answered, look, width = beside.answered, desk.look, pane.content_region.width or pane.size.width
    pane.show_title(side_title(desk, beside.partner, beside.predictions, width, inks))
    picture = look.picture(answered.explanation, dataset.shown(browser.row))
    pane.show(picture, has_bar=_has_bar(desk), bar=_bar(look, answered.explanation, None))
    caption = list(side_caption(desk, answered, beside.predictions, beside.note, width, inks))
    pane.show_caption(fitted(caption, pane.caption_lines))


def _has_bar(desk: Desk) -> bool:
    """Whether there is a heat map, or will be one."""
    explanation, method = desk.image.answered.explanation, desk.choice.method
    if explanation is None:
        return method is not None and method.kind == "heatmap" and desk.image.answered.request is not None
    return isinstance(explanation, Heatmap)


def _bar(look: Look, explanation: Explanation | None, pointer: Pointer | None) -> Bar | None:
    """The colours that are shown, with their values."""
    if look.view not in ("overlay", "map"):
        return None
    if not isinstance(explanation, Heatmap):
        return Bar(look.colours_of(explanation))
    at = float(explanation.values[pointer.row, pointer.column]) if pointer is not None else None
    return Bar(look.colours_of(explanation), look.scales.of(explanation), look.scales.mode, at)


def twin(desk: Desk) -> Iterable[str]:
    """What the picture pane shows, in words and numbers."""
    from fer_tui.picture import image_in_words, in_words, tables_in_words

    answered, browser, dataset = desk.image.answered, desk.browser, desk.project.dataset
    explanation, look = answered.explanation, desk.look
    if browser is None or dataset is None or browser.row is None:
        return
    if isinstance(explanation, Heatmap) and look.view == "input":
        yield from image_in_words(explanation.image)
        return
    if explanation is None or (isinstance(explanation, Heatmap) and look.view == "original"):
        yield from image_in_words(dataset.shown(browser.row))
        return
    yield from in_words(explanation)
    yield from tables_in_words(explanation)
    focus = desk.project.focus(explanation, browser.row) if isinstance(explanation, Heatmap) else None
    if focus is not None:
        yield from ("", focus.words())


def _title(browser: Browser, name: str, inks: Inks) -> Text:
    row, label, predicted = browser.row, browser.label, browser.predicted
    title = Text.assemble((f"{row}", inks.strong))
    if name != str(row):
        title.append(f" {plain(name)}", inks.muted)
    if label >= 0:
        title.append("  true ", inks.muted).append(plain(browser.classes[label]), inks.strong)
    if predicted >= 0:
        ink = inks.strong if label < 0 else inks.right if label == predicted else inks.wrong
        title.append("  predicted ", inks.muted).append(plain(browser.classes[predicted]), ink)
        title.append(f" {float(browser.predictions.confidence[row or 0]):.0%}", inks.muted)
    return title


def _caption(
    answered: Answered, desk: Desk, width: int, lines: int, inks: Inks, pointer: Pointer | None
) -> Iterable[Text]:
    explanation, method, browser = answered.explanation, desk.choice.method, desk.browser
    if answered.fault:
        yield from wrapped(f"{plain(answered.fault)}  (! shows all of it)", width, lines, inks.fault)
        return
    if explanation is None or method is None or browser is None:
        return
    target = answered.place.target
    of = f" of {plain(browser.classes[target])}" if target is not None else ""
    against = explanation.meta.get("against")
    of += f" − {plain(browser.classes[against])}" if isinstance(against, int) else ""
    view = desk.look.words(explanation)
    act = title_of(answered, method.actions)
    title = f"{plain(method.title)}{f': {plain(act)}' if act else ''}{of}{_at(answered)}"
    heading = Text.assemble((title, inks.accent)).append_text(_badge(explanation, inks))
    heading.append(f" · {view}" if view else "", inks.muted).append(_tables(explanation, desk), inks.muted)
    yield from folded(heading, width)[: 1 if pointer else 2]
    if pointer is not None and isinstance(explanation, Heatmap):
        yield from _values(explanation, pointer, desk, answered.place.image, width, inks)
        return
    answers = tuple(f"{question}: " for question, ok in _verdicts(explanation).items() if ok)  # the badge tells them
    for note in (each for each in explanation.notes if not (answers and each.startswith(answers))):
        yield from wrapped(f"! {plain(note)}", width, 1, inks.accent)
    if isinstance(explanation, Heatmap) and answered.place.image is not None:
        focus = desk.project.focus(explanation, answered.place.image)
        if focus is not None:
            yield Text(focus.brief(width), inks.muted)
    from fer_tui.picture import words

    yield from wrapped(words(explanation), width, lines - 2, inks.muted)


def _tables(explanation: Explanation, desk: Desk) -> str:
    """How many tables there are, and the key that shows them."""
    count = len(explanation.tables)
    key = next((" ".join(map(key_name, each.keys[:1])) for each in desk.bindings if each.id == "tables"), "")
    return f" · {key} {count} table{'s' if count > 1 else ''}" if count and key else ""


def _values(
    heatmap: Heatmap, pointer: Pointer, desk: Desk, image: int | None, width: int, inks: Inks
) -> Iterable[Text]:
    """The facts of the point, in as many lines as they need."""
    row, column = pointer.row, pointer.column
    region = desk.project.region_at(heatmap, image, row, column) if image is not None else None
    value, *facts = told(heatmap, pointer, plain(region) if region is not None else None)
    line = Text.assemble((f"row {row} column {column} · ", inks.muted), (value, inks.strong))
    yield from folded(line.append("".join(f" · {fact}" for fact in facts), inks.plain), width)


def _badge(explanation: Explanation, inks: Inks) -> Text:
    """A mark for each question that was put to the map (the notes tell which), nothing where none was."""
    badge = Text()
    for ok in _verdicts(explanation).values():
        badge.append("✓" if ok else "✗", inks.right if ok else inks.wrong)
    return Text(" · trust ", inks.muted).append_text(badge) if badge else badge


def _verdicts(explanation: Explanation) -> dict[str, bool]:
    """What was asked of the map, and whether the answer speaks for it; empty where nothing was."""
    found = explanation.meta.get("trust")
    verdicts = found.get("verdicts") if isinstance(found, dict) else None
    return verdicts if isinstance(verdicts, dict) else {}


def _at(answered: Answered) -> str:
    """The layer and the filter of an explanation, where it has them."""
    layer = answered.place.layer
    if layer is None and answered.explanation is not None:
        layer = answered.explanation.meta.get("layer")
    where = f" at {plain(layer)}" if isinstance(layer, str) else ""
    return where if answered.place.filter is None else f"{where}, filter {answered.place.filter}"


def draw_side(screen: Explore, desk: Desk) -> None:
    """Class scores, methods, parameters."""
    inks, browser, project, method = screen.inks, desk.browser, desk.project, desk.choice.method
    at_side = screen.pane == "side"
    screen.query_one("#scores-title", Lines).show(
        [_heading("classes", "score  prob", at_side, screen.query_one("#scores").size.width, inks)]
    )
    screen.query_one("#methods-title", Lines).show([Text(""), Text("methods", inks.muted)])
    methods = project.methods_for(dataset=False)
    screen.query_one(Methods).show_methods(methods, method, project.failed)
    parameters = []
    if method is not None:
        usual = desk.choice.usual(method)
        parameters = list(parameter_lines(method, desk.choice.parameters(method), usual, inks))
    width = screen.query_one("#parameters").size.width or 36
    notes = [line for note in project.notes for line in wrapped(plain(note), width, 3, inks.muted)]
    below = [Text(""), Text("parameters", inks.muted), *parameters] if parameters else []
    below += [Text(""), Text("notes", inks.muted), *notes] if notes else []
    screen.query_one("#parameters", Lines).show(below)
    if browser is not None:
        room = screen.query_one("#side-pane").size.height - _OTHER_LINES - len(methods) - len(parameters)
        screen.query_one(ScoreBars).show_scores(_scores(browser), max(3, room))


def _heading(left: str, right: str, is_current: bool, width: int, inks: Inks) -> Text:
    gap = " " * max(1, width - len(left) - len(right))
    return Text.assemble((left, inks.title if is_current else inks.muted), gap, (right, inks.muted))


def _scores(browser: Browser) -> ClassScores:
    from fer_tui.tui.predictions import probabilities

    scores = browser.predictions.scores_of(browser.row) if browser.row is not None else None
    shares = probabilities(scores[None])[0] if scores is not None else None
    return ClassScores(browser.classes, scores, shares, browser.target_class, browser.label)
