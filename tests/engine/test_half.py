"""Heat maps as float16: what is lost is small, measured and stated; what would lose too much stays float32."""

from __future__ import annotations

import numpy as np
import pytest

from fer_tui.contract import Gallery, Heatmap
from fer_tui.engine import Engine, Settings, codec, open_session
from fer_tui.engine.half import WORST, halved, restored


def heatmap(values: object, **extras: np.ndarray) -> Heatmap:
    array = np.asarray(values, np.float32)
    return Heatmap(values=array, image=np.zeros(array.shape, np.uint8), extras=extras, meta={"seed": 1})


def lost(before: Heatmap, after: Heatmap) -> float:
    largest = np.abs(before.values).max()
    return float(np.abs(before.values.astype(float) - after.values).max() / largest) if largest else 0.0


@pytest.fixture(scope="module")
def engine() -> Engine:
    return open_session(Settings(device="cpu", cache="none", limit=8)).engine()


@pytest.mark.parametrize(
    ("method", "parameters"), [("saliency", {}), ("saliency", {"variant": "integrated"}), ("cam", {}), ("lime", {})]
)
def test_real_maps(engine: Engine, method: str, parameters: dict[str, object]) -> None:
    from fer_tui.contract import Place

    if method == "lime":
        parameters = {"samples": 60}
    for result in engine.explain_many(method, [Place(image=n) for n in range(4)], parameters):
        made = result.explanation
        whole, half = codec.pack(made), codec.pack(made, half=True)
        again = codec.unpack(half)
        assert isinstance(made, Heatmap) and isinstance(again, Heatmap)
        assert again.values.dtype == np.float32 and len(whole) - len(half) > made.values.nbytes // 2 - 200
        stated = again.meta["float16"]
        assert lost(made, again) <= stated["values"] * 1.05 <= WORST  # two digits of it are stated
        assert np.array_equal(np.sign(again.values), np.sign(made.values))
        assert {k: v for k, v in again.meta.items() if k != "float16"} == codec.unpack(whole).meta
        assert codec.smaller(whole) == half == codec.smaller(half)


@pytest.mark.parametrize("largest", [1e-40, 1e-30, 1.0, 1e30, np.finfo(np.float32).max])
def test_neither_over_nor_under(largest: float) -> None:
    """Values over eight orders of magnitude; the largest float32 would be rounded up to infinity, so it stays."""
    with np.errstate(all="raise", under="ignore"):
        made = heatmap(np.append(np.geomspace(largest * 1e-8, largest, 80), -largest / 3).reshape(9, 9))
        again = codec.unpack(codec.pack(made, half=True))
    assert isinstance(again, Heatmap)
    np.testing.assert_allclose(again.values, made.values, rtol=WORST, atol=1e-45)
    assert again.meta["float16"].keys() == ({"values"} if largest < 1e31 else set())


def test_what_loses_too_much_stays_as_it_is() -> None:
    rng = np.random.default_rng(4)
    hidden = heatmap(1000 + rng.random((9, 9)) / 100)  # all of it is in the last digits
    again = codec.unpack(codec.pack(hidden, half=True))
    assert isinstance(again, Heatmap)
    assert np.array_equal(again.values, hidden.values) and again.meta["float16"] == {}
    constant = heatmap(np.full((9, 9), 0.1))
    again = codec.unpack(codec.pack(constant, half=True))
    assert isinstance(again, Heatmap) and np.array_equal(again.values, constant.values)
    for value in (0.0, 0.5):
        even = codec.unpack(codec.pack(heatmap(np.full((9, 9), value)), half=True))
        assert isinstance(even, Heatmap) and (even.values == value).all() and even.meta["float16"] == {"values": 0.0}


def test_extras_and_what_is_not_finite() -> None:
    values = np.linspace(-3, 5, 81, dtype=np.float32).reshape(9, 9)
    values[0, :3] = np.nan, np.inf, -np.inf
    channels = np.linspace(0, 1e-9, 243, dtype=np.float32).reshape(3, 9, 9)
    made = heatmap(values, channels=channels, few=np.array([1 / 3], np.float32), ids=np.arange(81).reshape(9, 9))
    again = codec.unpack(codec.pack(made, half=True))
    assert isinstance(again, Heatmap) and set(again.meta["float16"]) == {"values", "channels"}
    np.testing.assert_allclose(again.values, values, atol=8 * WORST)
    np.testing.assert_allclose(again.extras["channels"], channels, atol=1e-9 * WORST)
    assert again.extras["few"] == made.extras["few"]
    np.testing.assert_array_equal(again.extras["ids"], np.arange(81).reshape(9, 9), strict=True)
    gallery = codec.pack(
        Gallery(images=np.full((1, 2, 2), 1 / 3, np.float32), captions=("a",), scores=np.ones(1, np.float32))
    )
    assert codec.smaller(gallery) == gallery


@pytest.mark.parametrize(("low", "high", "dtype"), [(0, 42, "u1"), (-1, 255, "<i2"), (7, 70_000, "<u4"), (-1, 1, "i1")])
def test_integers_take_what_they_need_and_come_back_as_they_were(low: int, high: int, dtype: str) -> None:
    found = halved(np.array([low, high], np.int64))
    assert found is not None and found.array.dtype == np.dtype(dtype) and found.lost is None
    back = restored(found.array, found.dtype, found.scale)
    np.testing.assert_array_equal(back, np.array([low, high], np.int64), strict=True)
    assert halved(np.array([low, high], dtype)) is None and halved(np.array([-1, 2**63], object)) is None
    assert halved(np.zeros(3, np.float64)) is None and halved(np.array([-1, 2**62])) is None
