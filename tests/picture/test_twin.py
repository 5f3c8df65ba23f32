from __future__ import annotations

import numpy as np
import pytest

from fer_tui.contract import Gallery, Heatmap, Matrix
from fer_tui.picture import table, words


def heatmap(values: object, *, signed: bool = False) -> Heatmap:
    array = np.array(values, np.float32)
    return Heatmap(values=array, image=np.zeros(array.shape, np.uint8), signed=signed)


def test_the_table_has_the_means_of_equal_parts() -> None:
    values = np.arange(56 * 56).reshape(56, 56) / 100
    expected = values.reshape(7, 8, 7, 8).mean((1, 3))
    np.testing.assert_allclose(table(heatmap(values)), expected, rtol=1e-6)


def test_a_pixel_on_a_border_is_shared_by_area() -> None:
    made = table(heatmap([[0, 6, 3]]), rows=1, columns=2)
    assert made.tolist() == [[2.0, 4.0]]  # (0 + 3) / 1.5 and (3 + 3) / 1.5


def test_the_table_may_be_finer_than_the_map() -> None:
    assert table(heatmap([[1, 3]]), rows=2, columns=4).tolist() == [[1, 1, 3, 3]] * 2


def test_means_leave_out_what_is_not_finite() -> None:
    made = table(heatmap([[1, np.nan, np.inf, np.nan]]), rows=1, columns=2)
    assert made[0, 0] == 1 and np.isnan(made[0, 1])


def test_one_sentence_says_where_the_evidence_lies() -> None:
    values = np.zeros((14, 14))
    values[4:6, 6:8] = 3  # row 3, column 4 of 7
    values[13, 13] = 4
    assert words(heatmap(values)) == (
        "strongest at row 3 of 7, column 4 of 7: 75% of the total; the upper half holds 75%, the right half 62%"
    )


def test_a_signed_map_is_weighed_by_absolute_values() -> None:
    values = np.zeros((7, 7))
    values[6, 0], values[0, 0] = -3, 1
    assert words(heatmap(values, signed=True)) == (
        "strongest at row 7 of 7, column 1 of 7: 75% of the total; the lower half holds 75%, the left half 100%; "
        "75% of it is negative"
    )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.zeros((3, 3)), "the map is zero everywhere"),
        (np.full((3, 3), 0.25), "the map is 0.25 everywhere"),
        (np.full((3, 3), np.nan), "no value of the map is finite"),
        ([[0, np.inf]], "the map is zero everywhere; 1 of 2 values are not finite"),
    ],
)
def test_maps_without_a_place_are_told(values: object, told: str) -> None:
    assert words(heatmap(values)) == told


def test_enormous_values_have_shares() -> None:
    assert "100% of the total" in words(heatmap([[3e38, 0], [0, 0]]))


def test_a_matrix_is_told_by_accuracy_and_worst_pairs() -> None:
    counts = np.array([[5, 3, 2], [0, 8, 2], [1, 0, 9]])
    matrix = Matrix(counts=counts, classes=("anger", "fear\x1b[31m", "sad"))
    assert words(matrix) == (
        "accuracy 73.3% of 30 rows; 3 of anger taken for fear\\x1b[31m (30%); 2 of anger taken for sad (20%); "
        "2 of fear\\x1b[31m taken for sad (20%)"
    )
    assert table(matrix)[0].tolist() == [0.5, 0.3, 0.2]


def test_a_matrix_without_mistakes_and_one_without_labels() -> None:
    assert words(Matrix(counts=np.diag([2, 3]), classes=("a", "b"))) == "accuracy 100.0% of 5 rows; nothing is confused"
    empty = Matrix(counts=np.zeros((2, 2), int), classes=("a", "b"), extras={"distribution": np.array([1, 3])})
    assert words(empty) == "no labelled rows; predicted most often: b 75.0%, a 25.0%"


def test_a_gallery_is_told_by_what_is_marked_and_the_highest_score() -> None:
    made = Gallery(
        images=np.zeros((3, 4, 5), np.float32),
        captions=("filter 0", "filter 1", ""),
        scores=np.array([1, np.nan, 2.5], np.float32),
        marked=(1,),
    )
    assert words(made) == "3 pictures of 5x4; marked: filter 1; highest score 2.5: picture 3"
    assert np.isnan(table(made)).sum() == 2 and table(made)[0, 0] == 1


def test_a_matrix_tells_its_measures() -> None:
    counts = np.array([[3, 1], [0, 4]], np.int64)
    meta = {"macro_f1": 0.8730, "calibration_error": None}
    told = words(Matrix(counts=counts, classes=("a", "b"), meta=meta))
    assert told.startswith("accuracy 87.5% of 8 rows, macro F1 0.873; 1 of a taken for b")
