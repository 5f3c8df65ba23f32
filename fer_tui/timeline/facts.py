"""What a course says, in sentences: every word of them is computed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np

from fer_tui.contract import plain

from .course import Course, Move
from .labels import short_names

_MOVED = 0.005  # of a recall, that is worth a word
_MOST_CLASSES, _MOST_MOVES = 3, 3


def facts(course: Course, between: tuple[int, int] | None = None) -> list[str]:
    """Sentences on a course with labels: accuracy, the classes that moved most, what was learned and forgotten.

    between: two checkpoints: then every class is told of, from the one to the other.
    """
    if not course.labelled.any():
        return ["no image has a label: nothing can be said of accuracy and recall"]
    if between is not None:
        before, after = between
        told = (moved(course, true, before, after) for true in _by_move(course, before, after))
        return [_from_to(course, before, after), *told]
    steep = {true: course.steepest(true) for true in range(len(course.classes)) if course.support[true]}
    most = sorted(steep, key=lambda true: -abs(_change(course, true, *steep[true])))[:_MOST_CLASSES]
    moves = (moved(course, true, *steep[true]) for true in most if abs(_change(course, true, *steep[true])) >= _MOVED)
    return list(chain(_accuracy(course), moves, _blind(course), _learned(course)))


def moved(course: Course, true: int, before: int, after: int) -> str:
    """What happened to a class between two checkpoints: its recall, and for what it is taken more and less often."""
    names, recall = short_names(course.checkpoints), course.recall[:, true]
    name, change = plain(course.classes[true]), _change(course, true, before, after)
    if not course.support[true]:
        return f"{name}: no image has this class"
    head = (
        f"{name}: recall {recall[before]:.4f} at {plain(names[before])}, {recall[after]:.4f} at {plain(names[after])}"
    )
    moves = course.moves(true, before, after)
    more = _listed(course, [move for move in moves if move.after > move.before][:_MOST_MOVES])
    less = _listed(course, [move for move in moves if move.after < move.before][:_MOST_MOVES])
    parts = [f"{head} ({change:+.4f} of {course.support[true]} images)"]
    parts += [f"less often taken for {less}"] if less else []
    parts += [f"more often for {more}" if less else f"more often taken for {more}"] if more else []
    return "; ".join(parts)


def _listed(course: Course, moves: list[Move]) -> str:
    return ", ".join(f"{plain(course.classes[move.predicted])} ({move.before} → {move.after})" for move in moves)


def _by_move(course: Course, before: int, after: int) -> list[int]:
    known = [true for true in range(len(course.classes)) if course.support[true]]
    return sorted(known, key=lambda true: -abs(_change(course, true, before, after)))


def _change(course: Course, true: int, before: int, after: int) -> float:
    return float(course.recall[after, true] - course.recall[before, true])


def _from_to(course: Course, before: int, after: int) -> str:
    names, right = short_names(course.checkpoints), course.right
    gained, lost = int((right[after] & ~right[before]).sum()), int((right[before] & ~right[after]).sum())
    return (
        f"accuracy {course.accuracy[before]:.4f} at {plain(names[before])}, {course.accuracy[after]:.4f} at "
        f"{plain(names[after])}; became right: {gained}, became wrong: {lost}"
    )


def _accuracy(course: Course) -> Iterator[str]:
    names, accuracy, last = short_names(course.checkpoints), course.accuracy, len(course.checkpoints) - 1
    best = int(accuracy.argmax())
    text = f"accuracy {accuracy[0]:.4f} at {plain(names[0])}, {accuracy[last]:.4f} at {plain(names[last])}"
    if 0 < best < last:
        text += f"; the best is {accuracy[best]:.4f} at {plain(names[best])}"
    elif last and best == last:
        text += ", which is the best"
    elif last:
        text += "; the first is the best"
    yield text


def _blind(course: Course) -> Iterator[str]:
    """Classes with images of which not one was ever recognised."""
    blind = [name for n, name in enumerate(course.classes) if course.support[n] and not course.recall[:, n].any()]
    if blind:
        yield f"never recognised under any checkpoint: {', '.join(map(plain, blind))}"


def _learned(course: Course) -> Iterator[str]:
    total, last = int(course.labelled.sum()), len(course.checkpoints) - 1
    always, later = int((course.learned == 0).sum()), int((course.learned > 0).sum())
    forgotten, never = int(course.forgotten.sum()), int(course.never.sum())
    yield (
        f"of {total} images: right all through {always}, learned on the way and kept {later}, "
        f"forgotten (right once, wrong at the end) {forgotten}, never right {never}"
    )
    if last < 1:
        return
    often = int((course.flips > 1).sum())
    lost = course.support * 0 + np.bincount(course.labels[course.forgotten], minlength=len(course.classes))
    shares = np.where(course.support > 0, lost / np.maximum(course.support, 1), -1)
    worst = int(shares.argmax())
    if lost[worst]:
        name = plain(course.classes[worst])
        yield (
            f"{name} was forgotten most: {lost[worst]} of {course.support[worst]} ({shares[worst]:.1%}); "
            f"went to and fro: {often} images"
        )
