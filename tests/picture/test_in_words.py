"""Pictures told in words and numbers, and what is told of a point of a map; NumPy is the oracle."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fer_tui.contract import Gallery, Heatmap, Matrix
from fer_tui.picture import image_in_words, in_words, shares
from fer_tui.tui.pointing import Pointer, marked, rank, told


def heatmap(values: object, **more: object) -> Heatmap:
    array = np.array(values, np.float32)
    return Heatmap(values=array, image=np.arange(array.size, dtype=np.uint8).reshape(array.shape), **more)  # type: ignore[arg-type]


def test_shares_are_the_sums_of_the_parts() -> None:
    values = np.random.default_rng(1).normal(size=(56, 56)).astype(np.float32)
    values[0, 0] = np.nan
    blocks = np.nan_to_num(values).astype(float).reshape(7, 8, 7, 8)
    expected = np.abs(blocks).sum((1, 3)) / np.abs(blocks).sum() * np.where(blocks.sum((1, 3)) < 0, -1, 1)
    found = shares(heatmap(values, signed=True))
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert np.abs(found).sum() == pytest.approx(1)
    told_rows = [line.split()[2:] for line in in_words(heatmap(values, signed=True)) if line.startswith("row ")]
    np.testing.assert_allclose(np.array(told_rows, float), 100 * expected, atol=0.0501)
    assert shares(heatmap(np.ones((2, 3)))).shape == (2, 3) and np.isnan(shares(heatmap(np.zeros((9, 9))))).all()
    assert in_words(heatmap(np.zeros((9, 9))))[0] == "the map is zero everywhere."


def test_galleries_matrices_and_pictures_are_tables() -> None:
    gallery = Gallery(
        images=np.zeros((3, 4, 4), np.float32),
        captions=("filter 0", "filter\x1b 1", ""),
        scores=np.array([1.5, np.nan, 2.5], np.float32),
        marked=(0,),
    )
    rows = [line.split() for line in in_words(gallery)[-3:]]
    assert rows == [["picture", "3", "2.5"], ["*", "filter", "0", "1.5"], ["filter\\x1b", "1", "nan"]]
    lines = in_words(Matrix(counts=np.array([[5, 1], [2, 12]]), classes=("fear", "sad")))
    assert [line.split()[-2:] for line in lines[-3:]] == [["fear", "sad"], ["5", "1"], ["2", "12"]]
    image = np.arange(14 * 7, dtype=np.uint8).reshape(14, 7)
    lines = image_in_words(image)
    assert lines[0] == f"a gray picture of 7x14, values 0 to 97, mean {image.mean():.1f}."
    assert np.array([line.split()[2:] for line in lines[-7:]], float) == pytest.approx(
        image.reshape(7, 2, 7, 1).mean((1, 3)), abs=0.5
    )
    assert "(red, green, blue: 1.0, 2.0, 3.0)" in image_in_words(np.full((2, 2, 3), (1, 2, 3), np.uint8))[0]


def test_ranks() -> None:
    values = np.random.default_rng(2).normal(size=(9, 11)).astype(np.float32)
    values[4, 4], values[0, 1] = np.nan, values[0, 0]
    flat = np.sort(values[np.isfinite(values)])
    for row, column in ((0, 0), (8, 10), (3, 7)):
        below, upto = (np.searchsorted(flat, values[row, column], side) for side in ("left", "right"))
        assert rank(heatmap(values), row, column) == pytest.approx((below + upto - 1) / 2 / (len(flat) - 1))
    place = np.unravel_index(np.nanargmax(np.abs(values)), values.shape)
    assert rank(heatmap(values), int(place[0]), int(place[1]), strength=True) == 1
    assert np.isnan(rank(heatmap(values), 4, 4)) and rank(heatmap([[3]]), 0, 0) == 0.5
    assert rank(heatmap(np.ones((3, 3))), 1, 1) == 0.5


def test_a_point_of_lime_tells_its_segment() -> None:
    extras = {"segments": np.array([[0, 0], [1, 2]]), "coefficients": np.array([[9.0, 9, 9], [0.5, -2, 1]])}
    made = heatmap([[0.5, 0.5], [-2, 1]], signed=True, extras=extras, meta={"place": {"target": 1}})
    pointer = Pointer.strongest(made)
    assert (pointer.row, pointer.column) == (1, 0)
    assert list(told(made, pointer, "mouth")) == [
        "-2",
        "above 0.0%",
        "stronger than 100.0%",
        "gray 2",
        "mouth",
        "segment 1, coefficient -2, number 1 of 3",
    ]
    pointer.move(-7, 7, (2, 2))
    assert (pointer.row, pointer.column) == (0, 1)
    assert next(told(heatmap([[np.nan, 1]]), Pointer(0, 0))) == "nan"


def test_a_point_seeks_the_strongest_value_until_the_map_is_finished_or_it_is_moved() -> None:
    first, last, other = (heatmap(values) for values in ([[0, 5], [1, 2]], [[0, 5], [-9, 2]], [[7, 0], [0, 0]]))
    pointer = Pointer(seeks=True)
    places = []
    for made, final in ((first, False), (last, True), (other, True)):
        pointer.see(made, final=final)
        places.append((pointer.row, pointer.column))
    assert places == [(0, 1), (1, 0), (1, 0)]
    moved = Pointer(seeks=True)
    moved.see(first, final=False)
    moved.move(0, -1, (2, 2))
    moved.see(last, final=True)
    assert (moved.row, moved.column) == (0, 0)
    pointer.see(heatmap([[1]]), final=True)
    assert (pointer.row, pointer.column) == (0, 0), "a smaller map"


def test_the_mark_is_a_ring_around_the_point() -> None:
    drawn = np.asarray(marked(Image.new("L", (9, 9), 10), Pointer(3, 5)))[..., 0]
    assert drawn[3, 5] == 10 and (drawn == 255).sum() == 8 and drawn[2, 4] == 255
    assert (np.asarray(marked(Image.new("L", (4, 4), 250), Pointer(0, 0)))[..., 0] == 0).sum() == 3
