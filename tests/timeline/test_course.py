"""The course of a training against plain counting, row by row; and what it says."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fer_tui.timeline import Course, abreast, facts, moved, number_of, short_names


def course(predicted: list[list[int]], labels: list[int], classes: str = "abc") -> Course:
    names = tuple(f"net_{n}.pt" for n in range(len(predicted)))
    return Course(names, tuple(classes), np.array(labels), np.array(predicted))


@given(
    arrays(np.int64, st.tuples(st.integers(1, 5), st.just(12)), elements=st.integers(-1, 2)),
    arrays(np.int64, 12, elements=st.integers(-1, 2)),
)
def test_every_measure_is_that_of_plain_counting(predicted: np.ndarray, labels: np.ndarray) -> None:
    found = Course(tuple(map(str, range(len(predicted)))), ("a", "b", "c"), labels, predicted)
    known = [n for n in range(12) if labels[n] >= 0]
    for k, row in enumerate(predicted):
        right = [n for n in known if row[n] == labels[n]]
        if known:
            assert found.accuracy[k] == pytest.approx(len(right) / len(known))
        for c in range(3):
            of = [n for n in known if labels[n] == c]
            if of:
                assert found.recall[k, c] == pytest.approx(sum(row[n] == c for n in of) / len(of))
            else:
                assert np.isnan(found.recall[k, c])
            for other in range(3):
                assert found.confusion[k, c, other] == sum(row[n] == other for n in of)
    for n in range(12):
        rights = [bool(labels[n] >= 0 and row[n] == labels[n]) for row in predicted]
        stays = next((k for k in range(len(rights)) if all(rights[k:])), -1)
        assert found.learned[n] == stays
        assert found.forgotten[n] == (any(rights) and not rights[-1])
        assert found.never[n] == (labels[n] >= 0 and not any(rights))
        assert found.flips[n] == sum(a != b for a, b in pairwise(rights))
        for k in range(len(rights)):
            assert (n in found.learned_at(k)) == (stays == k)
            assert (n in found.lost_at(k)) == (k > 0 and rights[k - 1] and not rights[k])


def test_what_happened_to_a_class_is_told_from_its_confusion() -> None:
    labels = [0] * 8 + [1] * 4
    first, last = [1, 1, 1, 2, 2, 0, 0, 0, 1, 1, 1, 1], [1, 0, 0, 0, 0, 0, 0, 2, 1, 1, 0, 2]
    run = course([first, last], labels)
    assert moved(run, 0, 0, 1) == (
        "a: recall 0.3750 at 0, 0.7500 at 1 (+0.3750 of 8 images); less often taken for b (3 → 1), c (2 → 1)"
    )
    assert moved(run, 1, 0, 1).endswith("(-0.5000 of 4 images); more often taken for a (0 → 1), c (0 → 1)")
    assert moved(run, 2, 0, 1) == "c: no image has this class"
    assert facts(run, (0, 1))[0] == ("accuracy 0.5833 at 0, 0.6667 at 1; became right: 4, became wrong: 3")
    told = facts(run)
    assert told[0] == "accuracy 0.5833 at 0, 0.6667 at 1, which is the best"
    assert told[1].startswith("b: recall 1.0000") and told[2].startswith("a: recall 0.3750")
    assert (
        "of 12 images: right all through 4, learned on the way and kept 4, forgotten (right once, wrong at the end) 3"
        in told[3]
    )
    assert "b was forgotten most: 2 of 4 (50.0%)" in told[4]


def test_facts_say_what_the_numbers_say_whatever_they_are() -> None:
    falling = course([[0, 1, 2], [0, 1, 1], [0, 0, 0]], [0, 1, 2])
    assert facts(falling)[0].endswith("; the first is the best")
    humped = course([[0, 0, 0], [0, 1, 0], [0, 0, 0]], [0, 1, 2])
    assert "the best is 0.6667 at 1" in facts(humped)[0]
    assert "never recognised under any checkpoint: c" in facts(humped)
    assert facts(course([[0], [1]], [-1])) == ["no image has a label: nothing can be said of accuracy and recall"]


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["jimpei_mnet_025.pt", "jimpei_mnet_125.pt"], ("025", "125")),
        (["epoch-0009.safetensors", "epoch-0010.safetensors"], ("0009", "0010")),
        (["a/last.pt", "b/last.pt"], ("a", "b")),
        (["net.pt", "net1.pt"], ("net.pt", "net1.pt")),
        (["net.pt", "net.safetensors"], ("net.pt", "net.safetensors")),
        (["net.1.pt", "net.2.pt"], ("1", "2")),
        (["one.pt"], ("one.pt",)),
        ([], ()),
    ],
)
def test_short_names_tell_checkpoints_apart(names: list[str], short: tuple[str, ...]) -> None:
    assert short_names(names) == short


def test_a_checkpoint_is_named_by_name_epoch_or_number() -> None:
    names = [f"net_{epoch:03}.pt" for epoch in (25, 50, 75)]
    found = [number_of(text, names) for text in ("net_050.pt", "050", "50", "75", "2")]
    assert found == [1, 1, 1, 2, 2]
    with pytest.raises(ValueError, match="there are 025, 050, 075"):
        number_of("60", names)


def test_another_run_stands_where_it_was_at_the_same_epoch() -> None:
    names = ("e1.pt", "e3.pt", "e9.pt")
    assert abreast(names, ("x2.pt", "x3.pt", "x8.pt")) == [-1, 1, 2]
    assert abreast(names, ("best5.pt",)) == [0, 0, 0], "a single one is there all along"
    assert abreast(names, ("a.pt", "b.pt")) == [0, 1, 1], "checkpoints are counted where there are no epochs"
