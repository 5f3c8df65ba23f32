"""The narrowing language against brute force; what is not understood is told in one line."""

from __future__ import annotations

import math
import operator
import random
import re

import numpy as np
import pytest

from fer_tui.tui.narrowing import NarrowingError, classes_term, parse
from fer_tui.tui.predictions import Predictions

CLASSES = ("anger", "disgust", "fear", "joy", "sad", "surprise", "neutral")
ROWS = 300
SIGNS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq}


@pytest.fixture(scope="module")
def known() -> Predictions:
    """Predictions of two thirds of the rows, a few of which have no label, and a few no finite scores."""
    rng = np.random.default_rng(5)
    labels = rng.integers(-1, 7, ROWS)
    scores = rng.normal(scale=2, size=(200, 7)).astype(np.float32)
    scores[::40] = np.nan
    predictions = Predictions(labels, 7)
    predictions.add(0, scores[:120])
    predictions.add(220, scores[120:])
    return predictions


def listed(text: str, known: Predictions, classes: tuple[str, ...] = CLASSES) -> list[int]:
    narrowing = parse(text, classes)
    return list(range(len(known))) if narrowing is None else narrowing.rows(known).tolist()


def holds(term: str, row: int, known: Predictions) -> bool:
    """What one term says of one row, said once more and slowly."""
    if term[0] in "-!":
        return not holds(term[1:], row, known)
    label, predicted = int(known.labels[row]), int(known.predicted[row])
    if term == "wrong":
        return label >= 0 and predicted >= 0 and label != predicted
    if term == "right":
        return predicted >= 0 and label == predicted
    if term == "unlabelled":
        return label < 0
    if ":" in term:
        name, names = term.split(":")
        return {"true": label, "pred": predicted}[name] in [CLASSES.index(each) for each in names.split(",")]
    found = re.fullmatch(r"([a-z]+)([<>=]+)(.*)", term)
    assert found is not None
    value = {"conf": known.confidence[row], "ptrue": known.true_confidence[row], "row": row}[found[1]]
    return bool(SIGNS[found[2]](value, np.float32(float(found[3]))))


def random_term(draw: random.Random) -> str:
    names = ",".join(draw.sample(CLASSES, draw.randint(1, 3)))
    number = (
        f"{draw.choice(['conf', 'ptrue'])}{draw.choice(list(SIGNS))}{draw.choice(['.5', '0.25', '.9', '1e-1', '1'])}"
    )
    row = f"row{draw.choice(list(SIGNS))}{draw.randint(-5, ROWS + 5)}"
    term = draw.choice([f"true:{names}", f"pred:{names}", "wrong", "right", "unlabelled", number, row])
    return draw.choice(["", "", "", "-", "!"]) + term


def test_terms_list_what_brute_force_lists(known: Predictions) -> None:
    draw = random.Random(11)
    counts = set()
    for _ in range(600):
        terms = [random_term(draw) for _ in range(draw.randint(1, 3))]
        expected = [row for row in range(ROWS) if all(holds(term, row, known) for term in terms)]
        assert listed(" ".join(terms), known) == expected, terms
        counts.add(len(expected))
    assert len(counts) > 50


def test_hardest_lists_the_least_probable_true_class_first(known: Predictions) -> None:
    rows = listed("hardest wrong", known)
    assert sorted(rows) == listed("wrong", known) and rows != sorted(rows)
    shares = known.true_confidence[rows].tolist()
    assert shares == sorted(shares)
    everything = listed("hardest", known)
    unknown = [math.isnan(share) for share in known.true_confidence[everything]]
    assert unknown == sorted(unknown) and any(unknown)


@pytest.mark.parametrize("text", ["", "   ", "\t"])
def test_nothing_typed_is_no_narrowing(text: str) -> None:
    assert parse(text, CLASSES) is None


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("TRUE:Fear", "true:fear"),
        ("true:f", "true:fear"),
        ("true:su,sad", "true:surprise,sad"),
        ("true:2", "true:fear"),
        ("WRONG", "wrong"),
        ("conf<50%", "conf<.5"),
        ("  wrong   pred:sad ", "wrong pred:sad"),
        ("--wrong", "wrong"),
        ('true:"fear"', "true:fear"),
        ('true:"fear', "true:fear"),
        ("Hardest wrong", "wrong hardest"),
    ],
)
def test_ways_to_write_the_same(text: str, same: str, known: Predictions) -> None:
    assert listed(text, known) == listed(same, known) != list(range(ROWS))


@pytest.mark.parametrize(
    ("text", "live"),
    [
        *[
            (text, True)
            for text in ("wrong", "right", "pred:sad", "conf<.5", "ptrue>.1", "hardest", "true:sad wrong row<9")
        ],
        *[(text, False) for text in ("true:sad", "row<9", "unlabelled")],
    ],
)
def test_what_hangs_on_predictions_is_live(text: str, live: bool) -> None:
    narrowing = parse(text, CLASSES)
    assert narrowing is not None and narrowing.live is live


@pytest.mark.parametrize(
    ("text", "fault", "part"),
    [
        ("wrnog", "'wrnog' is no term; did you mean wrong?", "wrnog"),
        (
            "sad rigth",
            "'sad' is no term (wrong, right, unlabelled, hardest, marked, true:, pred:, note:, "
            "conf<, ptrue<, loss<, entropy<, margin<, row<)",
            "sad",
        ),
        ("wrong tru:sad", "'tru:sad' is no term; did you mean true?", "tru:sad"),
        ("cnf<.5 wrong", "'cnf<.5' is no term; did you mean conf?", "cnf<.5"),
        ("true:feer", "no class 'feer'; did you mean fear?", "true:feer"),
        ("true:sad,jov pred:x", "no class 'jov'; did you mean joy?", "true:sad,jov"),
        ("pred:s", "'s' begins sad, surprise: type more of it", "pred:s"),
        ("true:9", "no class '9'", "true:9"),
        ("true:", "name a class: anger, disgust, fear, joy, sad, surprise, neutral", "true:"),
        ("conf<half", "'half' is no number", "conf<half"),
        ("row<", "a number is missing", "row<"),
        ("-hardest", "'hardest' cannot be turned round", "-hardest"),
        ("conf<nan", "'nan' is no number", "conf<nan"),
        ("wrong -", "'-' turns a term round: -wrong", "-"),
    ],
)
def test_a_wrong_word_gives_one_clear_line(text: str, fault: str, part: str) -> None:
    with pytest.raises(NarrowingError) as caught:
        parse(text, CLASSES)
    assert str(caught.value) == fault
    assert text[caught.value.start : caught.value.stop] == part


def test_a_fault_shows_control_characters_as_escapes() -> None:
    with pytest.raises(NarrowingError) as caught:
        parse("true:\x1b[2J", ("a\x1b", "b"))
    assert "\x1b" not in str(caught.value) and r"\x1b[2J" in str(caught.value)


def test_whatever_is_typed_is_understood_or_told(known: Predictions) -> None:
    draw = random.Random(3)
    alphabet = [
        "true",
        "pred",
        ":",
        ",",
        '"',
        "<",
        "=",
        ".5",
        "-",
        "!",
        " ",
        "wrong",
        "conf",
        "sad",
        "é",
        "\x1b",
        "%",
        "٣",
    ]
    for _ in range(3000):
        text = "".join(draw.choices(alphabet, k=draw.randint(1, 7)))
        try:
            rows = listed(text, known)
        except NarrowingError as error:
            assert str(error).isprintable() and 0 <= error.start <= error.stop <= len(text)
        else:
            assert set(rows) <= set(range(ROWS))


STRANGE = (
    "A",
    "a",
    "two words",
    "x,y",
    'qu"ote',
    "-minus",
    "\x1b[31mred",
    "[b]",
    "conf<.5",
    " padded ",
    "",
    "7",
    "A b",
)


@pytest.mark.parametrize("number", range(len(STRANGE)))
def test_the_term_for_a_class_lists_that_class_alone(number: int) -> None:
    labels = np.arange(len(STRANGE))
    known = Predictions(labels, len(STRANGE))
    assert listed(classes_term("true", STRANGE, number), known, STRANGE) == [number]


def test_the_term_for_a_class_is_its_name_where_that_will_do() -> None:
    assert [classes_term("pred", STRANGE, n) for n in (0, 1, 2, 3)] == [
        "pred:A",
        "pred:a",
        'pred:"two words"',
        'pred:"x,y"',
    ]


def test_classes_of_one_name_are_told_apart_by_their_numbers() -> None:
    known = Predictions(np.array([0, 1, 2, 1]), 3)
    assert listed(classes_term("true", ("same", "same", "other"), 1), known, ("same", "same", "other")) == [1, 3]
