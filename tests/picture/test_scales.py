"""Scales and the numbers beside a colour bar; and what colour-blind eyes see of the colours."""

from __future__ import annotations

import numpy as np
import pytest
from rich.style import Style

from fer_tui.contract import Heatmap
from fer_tui.picture import colour_map, ticks
from fer_tui.tui.look import Look
from fer_tui.tui.scaling import Scales, on_a_sheet
from fer_tui.tui.sheet_keys import keys_of
from fer_tui.tui.widgets.colour_bar import Bar, bars_line, lying, standing
from fer_tui.tui.widgets.lines import Inks
from fer_tui.tui.widgets.picture_pane import bar_place

INKS = Inks(*[Style()] * 9)
# Severe protanopia, deuteranopia and tritanopia, on linear RGB: Machado, Oliveira and Fernandes 2009.
BLIND = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def seen(colours: np.ndarray, eyes: str) -> np.ndarray:
    """CIE L*a*b* (n, 3) of sRGB colours (n, 3), as those eyes see them."""
    share = colours / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.array(BLIND[eyes]).T, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ to_xyz.T / to_xyz.sum(1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)


@pytest.mark.parametrize("eyes", BLIND)
@pytest.mark.parametrize("name", ["viridis", "magma", "gray"])
def test_higher_values_are_lighter_for_all_eyes(name: str, eyes: str) -> None:
    light = seen(colour_map(name), eyes)[:, 0]
    assert (np.diff(light) > -0.35).all() and (np.diff(light[::8]) > 0).all()
    assert light[-1] - light[0] > 70


@pytest.mark.parametrize("eyes", BLIND)
def test_both_signs_differ_for_all_eyes_and_fade_to_the_middle(eyes: str) -> None:
    lab = seen(colour_map("blue-orange"), eyes)
    light = lab[:, 0]
    assert (np.diff(light[:128:8]) > 0).all() and (np.diff(light[128::8]) < 0).all()
    apart = np.linalg.norm(lab[:, 1:] - lab[::-1, 1:], axis=1)  # the same strength with the other sign, in hue alone
    assert apart[8:104].min() > 14
    assert apart[32:96].min() > 25
    assert np.abs(lab[127] - lab[128]).max() < 3


def test_jet_is_not_so() -> None:
    assert (np.diff(seen(colour_map("jet"), "deuteranopia")[:, 0]) < -0.35).any()


def heatmap(values: object, *, signed: bool = False, **meta: object) -> Heatmap:
    array = np.atleast_2d(np.array(values, np.float32))
    return Heatmap(values=array, image=np.zeros(array.shape, np.uint8), signed=signed, meta=meta)


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        ((0.0, 4.0), [(0, 0), (1, 4), (0.5, 2), (0.25, 1), (0.75, 3)]),
        ((-2.0, 2.0), [(0, -2), (1, 2), (0.5, 0), (0.25, -1), (0.75, 1)]),
        ((-1.0, 9.0), [(0, -1), (1, 9), (0.1, 0), (0.5, 4), (0.25, 1.5), (0.75, 6.5)]),
        ((0.0, 0.0), [(0.5, 0)]),
    ],
)
def test_ticks_are_the_values_at_their_places(scale: tuple[float, float], expected: list[tuple[float, float]]) -> None:
    assert ticks(scale) == [pytest.approx(each) for each in expected]


def colours_of(line: object) -> list[tuple[int, int, int]]:
    return [
        tuple(colour.get_truecolor())
        for span in line.spans  # type: ignore[attr-defined]
        if span.style.bgcolor is not None
        for colour in (span.style.color, span.style.bgcolor)
    ]


def test_a_standing_bar_has_its_numbers_where_its_colours_are() -> None:
    lines = standing(Bar("viridis", (-1.0, 9.0), "own", at=9.0), 22, INKS)
    assert len(lines) == 22 and lines[0].plain == " own"
    numbers = {row: float(line.plain[4:]) for row, line in enumerate(lines[1:]) if line.plain[4:].strip()}
    assert set(numbers.values()) == {9, 6.5, 4, 1.5, 0, -1}
    for row, value in numbers.items():
        assert abs((value + 1) / 10 - (1 - row / 20)) < 0.06, (row, value)
        colour = np.array(colours_of(lines[1 + row])[0], int)
        assert np.abs(colour - colour_map("viridis")[round(25.5 * (value + 1))]).max() < 12
    assert lines[1].plain[3] == "◂" and "◂" not in "".join(line.plain for line in lines[2:])


def test_a_lying_bar_has_as_many_numbers_as_there_is_room_for() -> None:
    colours, numbers = lying(Bar("blue-orange", (-2.0, 2.0)), 41, INKS)
    assert [float(each) for each in numbers.plain.split()] == [-2, -1, 0, 1, 2] and numbers.plain[20] == "0"
    assert len(colours.plain) == 41 and colours_of(colours)[0] == tuple(colour_map("blue-orange")[0])
    assert lying(Bar("viridis", (0.0, 1.25)), 12, INKS)[1].plain.split() == ["0", "1.25"]
    assert lying(Bar("viridis"), 12, INKS)[1].plain == "", "no number before it is known"
    assert set(lying(Bar("gray", (0.0, 1.0)), 40, INKS, plain=True)[0].plain) > {" ", "█"}


def test_the_bar_takes_room_that_the_picture_does_not_need() -> None:
    assert bar_place((48, 48), 48, 16, 2) == "beside" and bar_place((48, 48), 50, 31, 2) == "under"
    assert bar_place((48, 48), 8, 2, 2) == ""


def test_scales_own_shared_and_fixed() -> None:
    scales, small = Scales(), heatmap([0, 1], explainer="a", place={"image": 0})
    large, other = heatmap([0, 5], explainer="a", place={"image": 1}), heatmap([0, 9], explainer="b")
    for each in (small, large, other, large):
        scales.seen.see(each)
    assert scales.of(small) == (0, 1) and scales.words(small) == ""
    scales.turn(1, small)
    assert scales.of(small) == (0, 5) == scales.of(large) and scales.words(small) == "scale shared by 2 maps"
    assert scales.of(other) == (0, 9) and scales.words(other) == "scale shared by 1 map"
    scales.turn(1, small)
    assert scales.of(other) == (0, 5) and scales.words(other) == "scale fixed at 5"
    assert scales.of(heatmap([-1, 0], signed=True)) == (-5, 5)
    scales.turn(1, small)
    assert scales.of(small) == (0, 1)


def test_the_maps_of_a_sheet_share_one_scale_for_each_method() -> None:
    rng, look, maps = np.random.default_rng(5), Look(), on_a_sheet()
    values = rng.normal(size=(6, 2, 3)).astype(np.float32)
    signed, unsigned = values[:4], np.abs(values[4:])
    one = [heatmap(each, signed=True, explainer="a", layer=str(n), place={"image": n}) for n, each in enumerate(signed)]
    other = [heatmap(each, explainer="b", place={"image": n}) for n, each in enumerate(unsigned)]
    for name, each in [("A", each) for each in one] + [("B", each) for each in other]:
        maps.see(each, name)
        look.scales.seen.see(heatmap(1000 * each.values, signed=each.signed, explainer=each.meta["explainer"]))
    look.scales.mode = "shared"
    most, high = float(np.abs(signed).max()), float(unsigned.max())
    assert {look.scales.of(each, maps) for each in one} == {(-most, most)}  # whatever the layer
    assert {look.scales.of(each, maps) for each in other} == {(0.0, high)}
    first, second = keys_of(look, maps, other[0])
    assert (first.colours, first.low, first.high) == ("viridis", "0", f"{high:.3g}") and "2 maps of B" in first.told
    assert (second.colours, second.low, second.high) == ("blue-orange", f"{-most:.3g}", f"{most:.3g}")
    look.scales.mode = "own"
    assert [key.low for key in keys_of(look, maps)] == ["each map's lowest"] * 2
    assert [key.high for key in keys_of(look, maps, one[1])] == [f"{float(np.abs(signed[1]).max()):.3g}"]
    look.scales.fix(2)
    assert {(key.low, key.high) for key in keys_of(look, maps)} == {("-2", "2"), ("0", "2")}
    line = bars_line(keys_of(look, maps), 60, INKS, plain=True)
    assert line.plain.count("fixed") == 1 and line.plain.startswith("-2 ")  # there is no room for the second
    assert bars_line(keys_of(look, maps), 160, INKS).plain.count("fixed") == 2
    look.view = "original"
    assert keys_of(look, maps) == []
