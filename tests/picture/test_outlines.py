"""Lines between regions, where they belong and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fer_tui.contract import Heatmap
from fer_tui.picture import figure
from fer_tui.picture.outlines import outlined

GRAY = (90, 90, 90)


def drawn(labels: list[list[int]], zoom: int) -> np.ndarray:
    shape = np.array(labels)
    picture = Image.new("RGB", (shape.shape[1] * zoom, shape.shape[0] * zoom), GRAY)
    return np.asarray(outlined(picture, shape))


def test_lines_by_hand() -> None:
    made = drawn([[0, 1], [0, 0]], 8)
    white, black = (made == 255).all(2), (made == 0).all(2)
    assert white[:8, 8].all() and white[8, 8:].all() and white.sum() == 8 + 8
    assert black[1:6, 7].all() and black[1:6, 9].all() and black[7, 10:].all() and black[9, 10:].all()
    assert (made[10:, :6] == GRAY).all() and (made[:6, :7] == GRAY).all() and (made[:6, 10:] == GRAY).all()
    assert (drawn([[3, 3], [3, 3]], 8) == GRAY).all()
    assert ((drawn([[0, 1]], 2) == 255).all(2)).sum() == 2


@pytest.mark.parametrize("mode", ["overlay", "original", "focus"])
def test_a_figure_has_them_on_every_panel(mode: str) -> None:
    image = np.array([[10, 60], [120, 180]], np.uint8)
    explanation = Heatmap(values=np.array([[0, 1], [2, 3]], np.float32), image=image)
    plain, lined = (
        np.asarray(figure(explanation, mode=mode, regions=regions)).astype(int)  # type: ignore[arg-type]
        for regions in (None, np.array([[0, 1], [0, 1]]))
    )
    columns = np.flatnonzero((plain != lined).any((0, 2)))
    panels = 1 if mode == "original" else 2
    assert len(columns) == 3 * panels and columns[0] == 12 + 192 - 1
