"""Class names: FER2013's, and how a dataset's names find the classifier's: by name, never by position."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from fer_tui.contract import InputError, nearest

# How the emotions are called elsewhere (FERPlus, RAF-DB, AffectNet, CK+, JAFFE), each under FER2013's word.
_SYNONYMS = {
    synonym: name
    for name, synonyms in {
        "angry": ("anger",),
        "disgust": ("disgusted",),
        "fear": ("afraid", "fearful", "scared"),
        "happy": ("happiness", "joy"),
        "sad": ("sadness",),
        "surprise": ("surprised",),
        "neutral": ("neutrality",),
        "contempt": ("contemptuous",),
    }.items()
    for synonym in synonyms
}


def align(
    dataset_classes: Sequence[str],
    classifier_classes: Sequence[str],
    seen: Sequence[bool] | None = None,
    where: Callable[[int], str] = lambda number: "the data",
) -> tuple[int, ...]:
    """For each class of the dataset the index of the classifier's class of that name, -1 for one that is never seen.

    Names match exactly, else without case and punctuation, else as words for the same emotion. A dataset whose classes
    are mere numbers is taken to count as the classifier does, unless that one's names are numbers too. seen: which
    classes have rows (all, where None). where: file and row of a class, by its index.
    InputError where a class with rows has no counterpart.
    """
    exact = {name: index for index, name in reversed(list(enumerate(classifier_classes)))}
    folded = {folded_name(name): index for index, name in reversed(list(enumerate(classifier_classes)))}
    by_number = are_numbers(dataset_classes) and not any(name in exact for name in dataset_classes)
    found: list[int] = []
    for number, name in enumerate(dataset_classes):
        index = exact.get(name, folded.get(folded_name(name), -1))
        if by_number and number < len(classifier_classes):
            index = number
        if index < 0 and (seen is None or seen[number]):
            like = "" if name.isdigit() else nearest(name, classifier_classes)
            fault = f"is of class {name}, which the network does not have{like}"
            known = ", ".join(classifier_classes[:12]) + (", ..." if len(classifier_classes) > 12 else "")
            mend = f"it has {known}; --classes names its outputs in their order, --model another network"
            raise InputError(where(number), fault, mend)
        found.append(index)
    return tuple(found)


def are_numbers(classes: Sequence[str]) -> bool:
    """Whether the classes are "0", "1", ...: of data that come without names."""
    return list(classes) == [str(number) for number in range(len(classes))]


def folded_name(name: str) -> str:
    """`name` as it is compared: no case, no punctuation, one word for each emotion."""
    word = re.sub(r"[\W_]+", " ", name.casefold()).strip()
    return _SYNONYMS.get(word, word)


def same_classes(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether both are the same classes in any order, by `folded_name`."""
    return sorted(map(folded_name, one)) == sorted(map(folded_name, other))
