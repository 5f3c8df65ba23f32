from __future__ import annotations

import numpy as np
import pytest

from fer_tui.contract import InputError
from fer_tui.picture import COLOUR_MAPS, colour_bar, colour_map


def lightness(colours: np.ndarray) -> np.ndarray:
    """CIE L* of sRGB colours (n, 3)."""
    share = colours / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return 116 * np.cbrt(linear @ [0.2126, 0.7152, 0.0722]) - 16


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_is_a_read_only_table(name: str) -> None:
    table = colour_map(name)
    assert table.dtype == np.uint8 and table.shape == (256, 3) and not table.flags.writeable


@pytest.mark.parametrize("name", ["viridis", "magma"])
def test_is_the_published_map(name: str) -> None:
    colormaps = pytest.importorskip("matplotlib").colormaps
    published = np.rint(np.asarray(colormaps[name].colors) * 255)
    assert np.abs(colour_map(name) - published).max() <= 3


def test_gray_is_the_value_itself() -> None:
    assert np.array_equal(colour_map("gray"), np.repeat(np.arange(256)[:, None], 3, 1))


def test_jet_is_its_formula() -> None:
    x = np.linspace(0, 1, 256)
    formula = np.stack([np.clip(1.5 - np.abs(4 * x - k), 0, 1) for k in (3, 2, 1)], 1) * 255
    assert np.abs(colour_map("jet") - formula).max() <= 1


@pytest.mark.parametrize("name", ["viridis", "magma", "gray"])
def test_lightness_rises(name: str) -> None:
    assert (np.diff(lightness(colour_map(name))) > -0.2).all()


def test_the_signed_map_is_symmetric_in_lightness_and_safe_for_colour_blind_eyes() -> None:
    table = colour_map("blue-orange").astype(float)
    light = lightness(table)
    assert np.abs(light - light[::-1]).max() < 3 and light.argmax() in (127, 128)
    assert (np.diff(light[:128]) > 0).all() and (np.diff(light[128:]) < 0).all()
    # Severe protanopia and deuteranopia, Machado et al. 2009: both arms still differ clearly in colour.
    for matrix in (
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    ):
        seen = table @ np.array(matrix).T
        assert np.abs(seen[:96] - seen[::-1][:96]).max(1).min() > 40


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"no such colour map; did you mean viridis\? \(known: viridis, magma"):
        colour_map("viridsi")


def test_bars_run_from_low_to_high() -> None:
    lying, standing = np.asarray(colour_bar("jet", 256, 3)), np.asarray(colour_bar("jet", 3, 256))
    assert np.array_equal(lying[1], colour_map("jet"))
    assert np.array_equal(standing[:, 1], colour_map("jet")[::-1])
