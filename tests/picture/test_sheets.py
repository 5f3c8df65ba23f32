from __future__ import annotations

import numpy as np

from fer_tui.contract import Gallery, Matrix
from fer_tui.picture import cell_box, colour_map, columns_for, figure, matrix_picture, row_shares, sheet

BACKGROUND, MARK = [24, 24, 28], [230, 60, 50]


def gallery(images: object, marked: tuple[int, ...] = ()) -> Gallery:
    array = np.asarray(images, np.float32)
    names = tuple(f"filter {n}" for n in range(len(array)))
    return Gallery(images=array, captions=names, scores=np.arange(len(array), dtype=np.float32), marked=marked)


def test_pictures_stand_in_rows_each_on_its_own_scale_and_marked_ones_are_framed() -> None:
    made = np.asarray(sheet(gallery([[[0, 1]], [[5, 5]], [[-2, 2]]], marked=(2,)), columns=2))
    assert made.shape == (2 * (1 + 4), 2 * (2 + 4), 3)
    assert made[2, 2:4].tolist() == [[0] * 3, [255] * 3]
    assert made[2, 8:10].tolist() == [[0] * 3, [0] * 3]  # constant
    assert made[7, 2:4].tolist() == [[0] * 3, [255] * 3]
    assert made[5:10, 0:6].reshape(-1, 3).tolist().count(MARK) == 5 * 6 - 2
    assert made[0, 0].tolist() == made[9, 11].tolist() == BACKGROUND
    assert not (made[:5] == MARK).all(-1).any()


def test_a_scale_is_shared_and_colours_are_kept() -> None:
    made = np.asarray(sheet(gallery([[[0, 1]], [[2, 4]]]), columns=2, scale=(0, 4), colours="jet"))
    assert np.array_equal(made[2, [2, 3, 8, 9]], colour_map("jet")[[0, 64, 128, 255]])
    rgb = np.asarray(sheet(gallery([[[[0, 0.5, 1]]]]), scale=(0, 1)))
    assert rgb[2, 2].tolist() == [0, 128, 255]


def test_the_boxes_say_where_pictures_lie() -> None:
    assert cell_box(0, 3, 5, 7) == (2, 2, 9, 7)
    assert cell_box(4, 3, 5, 7) == (13, 11, 20, 16)


def test_sheets_are_about_square() -> None:
    assert columns_for(64, 48, 48) == 8 and columns_for(1, 48, 48) == 1 and columns_for(0, 48, 48) == 1
    assert columns_for(4, 10, 200) == 1


def test_an_empty_gallery_and_one_of_nan_can_be_drawn() -> None:
    assert sheet(gallery(np.zeros((0, 4, 4)))).width > 0
    assert figure(gallery(np.zeros((0, 4, 4)))).width > 0
    assert np.asarray(sheet(gallery(np.full((1, 2, 2), np.nan))))[2:4, 2:4].max() == 0


def test_a_matrix_is_coloured_by_the_shares_of_its_rows() -> None:
    matrix = Matrix(counts=np.array([[3, 1], [0, 0]]), classes=("a", "b"))
    shares = row_shares(matrix)
    assert shares[0].tolist() == [0.75, 0.25] and np.isnan(shares[1]).all()
    made = np.asarray(matrix_picture(matrix, colours="jet"))
    corner = made[:-8, :-8][-104:, -104:]  # two cells of 52 pixels
    jet = colour_map("jet")
    assert corner[1, 1].tolist() == jet[191].tolist() and corner[1, 53].tolist() == jet[64].tolist()
    assert corner[53, 1].tolist() == corner[53, 53].tolist() == [224] * 3
    digits = (corner[:52, :52].reshape(-1, 3) != jet[191]).any(1).sum()
    assert 10 < digits < 300  # "3" is written in the cell


def test_a_thousand_classes_are_drawn_without_numbers() -> None:
    counts = np.eye(1000, dtype=np.int64)
    made = np.asarray(matrix_picture(Matrix(counts=counts, classes=tuple(map(str, range(1000)))), colours="gray"))
    assert np.array_equal(made[..., 0], counts * 255)
