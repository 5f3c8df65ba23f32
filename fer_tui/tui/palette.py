"""The command palette without its popup: what it offers, and which of that a few letters mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fer_tui.contract import Description, plain

from .bindings import Binding, key_name
from .keys import Command

if TYPE_CHECKING:
    from .desk import Desk

_IN_NAME = 1000.0  # a word that is found in the name counts more than one in what is told of it


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that the palette can do. told: what it is, in a few words. counts: a number after the name counts.

    do: gets the number, None where there is none, and returns the command to be done, if it is one.
    """

    name: str
    told: str
    do: Callable[[int | None], Command | None]
    keys: str = ""
    counts: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """An offer that a query means. count: the number that was typed after its name."""

    offer: Offer
    count: int | None = None


def search(query: str, offers: Iterable[Offer]) -> list[Found]:
    """What `query` may mean, the likeliest first; all of it in its order where nothing is asked.

    Each word of the query is in an offer's name or in what is told of it, at least as letters in that order. A number
    at the end is the count of an action.
    """
    words = query.lower().split()
    count = int(words[-1]) if words and words[-1].isdecimal() and words[-1].isascii() else None
    ranked: list[tuple[float, int, Found]] = []
    for number, offer in enumerate(offers):
        name, told = offer.name.lower(), offer.told.lower()
        counted = count is not None and offer.counts
        worth = _worth(words[:-1] if counted else words, name, told)
        if worth is not None:
            ranked.append((-worth, number, Found(offer, count if counted else None)))
    return [found for _, _, found in sorted(ranked, key=lambda each: each[:2])]


def _worth(words: list[str], name: str, told: str) -> float | None:
    """How well words fit an offer, None where one of them does not fit at all."""
    if not words:
        return 0.0
    total = _IN_NAME if " ".join(words) == name else -len(name) / 100
    for word in words:
        in_name, in_told = _fit(word, name), _fit(word, told)
        if in_name is None and in_told is None:
            return None
        total += max(_IN_NAME + in_name if in_name is not None else 0.0, in_told or 0.0)
    return total


def _fit(word: str, text: str) -> float | None:
    """100: the beginning of a word of the text; 60: within one; less: its letters, with gaps; None: not even that."""
    at = text.find(word)
    while at > 0 and text[at - 1].isalnum():
        at = text.find(word, at + 1)
    if at >= 0:
        return 100 - at / 10
    if word in text:
        return 60 - text.find(word) / 10
    at, gaps = -1, 0
    for letter in word:
        next_at = text.find(letter, at + 1)
        if next_at < 0:
            return None
        gaps += next_at - at - 1 if at >= 0 else next_at
        at = next_at
    return max(1.0, 40 - gaps) if gaps <= 2 * len(word) else None


def offers(desk: Desk, bindings: Iterable[Binding]) -> list[Offer]:
    """All that can be done on a screen with these bindings, and all that can be gone to."""
    bindings = tuple(bindings)
    acts = _acts(desk) if any(each.id == "actions" for each in bindings) else ()
    places = (*_classes(desk), *_methods(desk), *_layers(desk), *_checkpoints(desk))
    return [*_actions(bindings), *acts, *places, *_colours(desk)]


def _actions(bindings: Iterable[Binding]) -> Iterator[Offer]:
    bindings = [each for each in bindings if each.id != "palette"]
    last = next((each for each in bindings if each.id == "last"), None)
    if last is not None:

        def go(count: int | None, last: Binding = last) -> Command:
            return Command(last, count)

        yield Offer("image", "go to the image of that number", go, keys_of(last), counts=True)
    for binding in bindings:

        def do(count: int | None, binding: Binding = binding) -> Command:
            return Command(binding, count)

        yield Offer(binding.id.replace("-", " "), binding.help, do, keys_of(binding), binding.counts)


def keys_of(binding: Binding) -> str:
    """The keys of a binding as they are shown."""
    return " ".join(map(key_name, binding.keys))


def _classes(desk: Desk) -> Iterator[Offer]:
    browser = desk.browser
    for number, name in enumerate(browser.classes if browser is not None else ()):

        def choose(_: int | None, number: int = number) -> None:
            if desk.browser is not None and number < len(desk.browser.classes):
                desk.browser.target = number

        yield Offer(f"target {plain(name)}", "explain this class", choose, f"{number}c")


def _methods(desk: Desk) -> Iterator[Offer]:
    for number, method in enumerate(desk.project.methods_for(dataset=False)):

        def choose(_: int | None, name: str = method.name) -> None:
            desk.choice.choose_named(name)

        yield Offer(f"method {plain(method.name)}", plain(method.title), choose, f"{number + 1}m")
    for method, alias in desk.project.aliases:

        def choose_alias(_: int | None, method: Description = method, alias: str = alias) -> None:
            desk.choice.choose_alias(method, alias)

        yield Offer(f"method {plain(alias)}", f"a variant of {plain(method.title)}", choose_alias)


def _acts(desk: Desk) -> Iterator[Offer]:
    for each in desk.acting.actions:

        def act(_: int | None, name: str = each.name) -> None:
            desk.acting.begin(name)

        yield Offer(f"action {plain(each.name)}", plain(f"{each.title}: {each.help}"), act)


def _layers(desk: Desk) -> Iterator[Offer]:
    for number, layer in enumerate(desk.choice.layers):

        def choose(_: int | None, number: int = number) -> None:
            desk.choice.choose_layer(number)

        shape = "×".join(map(str, layer.shape))
        yield Offer(f"layer {plain(layer.name)}", f"{plain(layer.kind)} {shape}", choose)


def _checkpoints(desk: Desk) -> Iterator[Offer]:
    classifier = desk.project.classifier
    names = classifier.checkpoints if classifier is not None else ()
    for number, name in enumerate(names if len(names) > 1 else ()):

        def choose(_: int | None, number: int = number) -> None:
            desk.go_to_checkpoint(number)

        yield Offer(f"checkpoint {plain(name)}", f"number {number} of {len(names)}, from 0", choose)


def _colours(desk: Desk) -> Iterator[Offer]:
    from fer_tui.picture import COLOUR_MAPS

    for name in COLOUR_MAPS:

        def choose(_: int | None, name: str = name) -> None:
            desk.look.colours = name

        yield Offer(f"colours {name}", "the colour map of heat maps", choose)
