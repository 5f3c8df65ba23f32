from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from fer_tui.contract import Heatmap, InputError
from fer_tui.picture import colour_map, in_focus, render, scale_of, shared_scale

NAN, INF = float("nan"), float("inf")
JET = colour_map("jet")


def heatmap(values: object, image: object = ((0, 50), (100, 200)), *, signed: bool = False) -> Heatmap:
    return Heatmap(values=np.array(values, np.float32), image=np.array(image, np.uint8), signed=signed)


def pixels(explanation: Heatmap, **look: object) -> list:
    picture = render(explanation, **look)
    assert picture.mode == "RGB"
    return np.asarray(picture).tolist()


def test_map_colours_run_from_zero_to_the_maximum() -> None:
    made = pixels(heatmap([[0, 1], [2, 4]]), mode="map", colours="jet")
    assert made == [[JET[0].tolist(), JET[64].tolist()], [JET[128].tolist(), JET[255].tolist()]]


def test_a_signed_map_is_symmetric_around_zero() -> None:
    explanation = heatmap([[-4, 0], [2, 1]], signed=True)
    assert scale_of(explanation) == (-4, 4)
    table = colour_map("blue-orange")
    assert pixels(explanation, mode="map") == [
        [table[0].tolist(), table[128].tolist()],
        [table[191].tolist(), table[159].tolist()],
    ]


def test_overlay_mixes_image_and_colour_by_hand() -> None:
    made = pixels(heatmap([[0, 1], [2, 4]]), colours="gray", opacity=0.25)
    # 0.75 x image (0, 50, 100, 200) + 0.25 x gray (0, 64, 128, 255)
    assert made == [[[0] * 3, [54] * 3], [[107] * 3, [214] * 3]]


def test_overlay_keeps_the_colours_of_an_rgb_image() -> None:
    image = [[[10, 20, 30], [40, 50, 60]]]
    made = pixels(heatmap([[0, 3]], image), colours="gray", opacity=0.5)
    assert made == [[[5, 10, 15], [148, 152, 158]]]  # halves go to the even neighbour
    assert pixels(heatmap([[0, 3]], image), mode="original") == image


def test_opacity_at_its_ends_is_image_and_map() -> None:
    explanation = heatmap([[0, 1], [2, 4]])
    assert (
        pixels(explanation, opacity=0)
        == pixels(explanation, mode="original")
        == [[[0] * 3, [50] * 3], [[100] * 3, [200] * 3]]
    )
    assert pixels(explanation, opacity=1) == pixels(explanation, mode="map")


def test_a_fixed_scale_clips() -> None:
    made = pixels(heatmap([[-1, 1], [2, 9]]), mode="map", colours="jet", scale=(1, 3))
    assert made == [[JET[0].tolist()] * 2, [JET[128].tolist(), JET[255].tolist()]]


def test_an_unsigned_map_below_zero_begins_at_its_minimum() -> None:
    assert scale_of(heatmap([[-1, 1], [2, 3]])) == (-1, 3)
    assert scale_of(heatmap([[-3, -2], [-2, -1]])) == (-3, 0)


def test_a_shared_scale_covers_all() -> None:
    assert shared_scale([heatmap([[0, 1], [2, 3]]), heatmap([[0, 5], [0, 0]])]) == (0, 5)
    assert shared_scale([heatmap([[0, 1], [-2, 0]], signed=True), heatmap([[0, 5], [0, 0]], signed=True)]) == (-5, 5)


@pytest.mark.parametrize(
    ("value", "signed", "index"),
    [(0, False, 0), (0, True, 128), (3, False, 255), (3, True, 255), (-3, True, 0), (-3, False, 0)],
)
def test_constant_maps(value: float, signed: bool, index: int) -> None:
    made = pixels(heatmap([[value, value], [value, value]], signed=signed), mode="map", colours="jet")
    assert made == [[JET[index].tolist()] * 2] * 2


def test_values_that_are_not_finite_are_gray_bare_or_veiled_and_do_not_move_the_scale() -> None:
    explanation = heatmap([[NAN, INF], [-INF, 4]])
    assert scale_of(explanation) == (0, 4)
    gray = [128] * 3
    assert pixels(explanation, mode="map", colours="jet") == [[gray, gray], [gray, JET[255].tolist()]]
    assert pixels(explanation, opacity=1, colours="jet") == [[[0] * 3, [50] * 3], [[100] * 3, JET[255].tolist()]]
    assert in_focus(explanation, 0).tolist() == [[False, False], [False, True]]


def test_a_map_without_any_finite_value_still_renders() -> None:
    explanation = heatmap([[NAN, NAN], [INF, -INF]], signed=True)
    assert scale_of(explanation) == (0, 0)
    assert pixels(explanation) == pixels(explanation, mode="original")
    assert not in_focus(explanation).any()


def test_enormous_values_do_not_overflow() -> None:
    made = pixels(heatmap([[-3.4e38, 0], [0, 3.4e38]], signed=True), mode="map", colours="jet")
    assert made == [[JET[0].tolist(), JET[128].tolist()], [JET[128].tolist(), JET[255].tolist()]]


def test_focus_keeps_the_highest_values_and_veils_the_rest() -> None:
    explanation = heatmap([[0.1, 0.2], [-0.9, 0.3]], signed=True)
    assert in_focus(explanation, 0.75).tolist() == [[False, False], [True, False]]
    made = pixels(explanation, mode="focus", focus=0.75)
    # 0.2 x image (0, 50, 200) + 0.8 x (40, 44, 72)
    assert made == [[[32, 35, 58], [42, 45, 68]], [[100, 100, 100], [72, 75, 98]]]


def test_focus_on_a_map_of_zeros_keeps_nothing() -> None:
    assert not in_focus(heatmap([[0, 0], [0, 0]]), 0.5).any()
    assert in_focus(heatmap([[2, 2], [2, 2]]), 0.5).all()


def test_focus_by_sigma_keeps_what_stands_out_of_the_mean() -> None:
    explanation = heatmap([[1, -2], [3, 10]], signed=True)  # sizes: mean 4, standard deviation 12.5 ** .5
    assert in_focus(explanation, 1, "sigma").tolist() == [[False, False], [False, True]]
    assert in_focus(explanation, -0.4, "sigma").tolist() == [[False, False], [True, True]]  # from 2.59 on
    assert in_focus(explanation, 1.69, "sigma").any() and not in_focus(explanation, 1.7, "sigma").any()
    kept = np.asarray(render(explanation, mode="focus", focus=1, focus_by="sigma"))
    assert kept[1, 1].tolist() == [200] * 3 and kept[1, 0].tolist() == [52, 55, 78]


def test_focus_by_sigma_on_maps_without_a_spread_or_a_number() -> None:
    assert in_focus(heatmap([[2, 2], [2, 2]]), 3, "sigma").all()
    assert not in_focus(heatmap([[0, 0], [0, 0]]), -1, "sigma").any()
    assert in_focus(heatmap([[NAN, 1], [INF, 5]]), 1, "sigma").tolist() == [[False, False], [False, True]]
    assert not in_focus(heatmap([[NAN, NAN], [INF, -INF]]), 1, "sigma").any()
    assert in_focus(heatmap([[3e38, 0], [0, 0]]), 1, "sigma").tolist() == [[True, False], [False, False]]


@pytest.mark.parametrize(
    ("look", "told"),
    [
        ({"mode": "overlya"}, "mode overlya: no such mode; did you mean overlay?"),
        ({"opacity": 1.5}, "opacity: 1.5 is outside 0 to 1"),
        ({"mode": "focus", "focus": -1}, "focus: -1 is outside 0 to 1"),
        ({"mode": "focus", "focus": NAN, "focus_by": "sigma"}, "focus: nan is not a finite number"),
        ({"mode": "focus", "focus_by": "sigmas"}, "focus sigmas: no such threshold; did you mean sigma?"),
        ({"scale": (2, 1)}, "scale: 2 to 1 is no range"),
        ({"scale": (0, NAN)}, "scale: 0 to nan is no range"),
        ({"colours": "rainbow"}, "colours rainbow: no such colour map"),
    ],
)
def test_a_wrong_look_is_told(look: dict, told: str) -> None:
    with pytest.raises(InputError) as caught:
        render(heatmap([[0, 1], [2, 3]]), **look)
    assert str(caught.value).startswith(told)


def test_pictures_need_neither_torch_nor_matplotlib() -> None:
    code = "import sys, fer_tui.picture; print(*{'torch', 'matplotlib', 'skimage', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# ---- parts that a method chose, outlines -----------------------------------------------------------------------------


def segmented() -> Heatmap:
    """Three columns of two: for, against, neither."""
    values = np.repeat(np.array([[2, 2, -1, -1, 0.5, 0.5]], np.float32), 6, 0)
    mask = np.repeat(np.array([[1, 1, -1, -1, 0, 0]], np.int8), 6, 0)
    return Heatmap(values=values, image=np.full((6, 6), 100, np.uint8), signed=True, extras={"mask": mask})


def test_chosen_parts_are_in_focus() -> None:
    assert in_focus(segmented(), by="chosen")[0].tolist() == [True] * 4 + [False] * 2
    assert in_focus(segmented(), by="for")[0].tolist() == [True] * 2 + [False] * 4
    hidden = np.asarray(render(segmented(), mode="focus", focus_by="for"))
    assert (hidden[:, :2] == 100).all() and (hidden[:, 2:] != 100).any(-1).all()
    with pytest.raises(InputError, match="the method chooses no parts"):
        in_focus(heatmap([[1, 2], [3, 4]]), by="chosen")


def test_an_outline_is_drawn_on_the_parts_that_it_surrounds() -> None:
    table = colour_map("blue-orange")
    drawn = np.asarray(render(segmented(), mode="outline", focus_by="chosen"))
    assert (drawn[:, :2] == table[190]).all() and (drawn[:, 2:4] == table[60]).all()  # two wide: all of it is edge
    assert (drawn[:, 4:] == 100).all()
    values = np.zeros((7, 7), np.float32)
    values[1:6, 1:6] = 1
    lone = Heatmap(values=values, image=np.full((7, 7), 9, np.uint8))
    drawn = np.asarray(render(lone, mode="outline", focus=0.5))
    edge = np.zeros((7, 7), bool)
    edge[1:6, 1:6] = True
    edge[2:5, 2:5] = False
    assert ((drawn == colour_map("viridis")[-1]).all(-1) == edge).all() and (drawn[~edge] == 9).all()
