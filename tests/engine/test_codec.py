"""Explanations survive the way through bytes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from fer_tui.contract import Gallery, Heatmap, Matrix
from fer_tui.engine import codec


def heatmap() -> Heatmap:
    rng = np.random.default_rng(0)
    return Heatmap(
        values=rng.normal(size=(5, 7)).astype(np.float32),
        image=rng.integers(0, 256, (5, 7, 3), dtype=np.uint8),
        signed=True,
        extras={"channels": rng.normal(size=(3, 5, 7)).astype(np.float32), "mask": rng.random((5, 7)) > 0.5},
        meta={"explainer": "saliency", "parameters": {"seed": 3}, "gain": np.float32(1.5)},
        notes=("a \x1b[31mnote",),
    )


def same(one: object, other: object) -> None:
    for field in dataclasses.fields(one):  # type: ignore[arg-type]
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name == "extras":
            assert a.keys() == b.keys()
            for name in a:
                np.testing.assert_array_equal(a[name], b[name], strict=True)
        elif isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b, strict=True)
        else:
            assert a == b, field.name


@pytest.mark.parametrize(
    "explanation",
    [
        heatmap(),
        Gallery(
            images=np.linspace(0, 1, 2 * 3 * 4 * 3, dtype=np.float32).reshape(2, 3, 4, 3),
            captions=("0", "[b]1"),
            scores=np.array([0.5, -1], np.float32),
            marked=(1,),
        ),
        Matrix(counts=np.arange(4, dtype=np.int64).reshape(2, 2), classes=("a", "ü")),
    ],
    ids=lambda e: e.kind,
)
def test_round_trip(explanation: Heatmap | Gallery | Matrix) -> None:
    same(codec.unpack(codec.pack(explanation)), explanation)


def test_views_of_a_transposed_array_keep_their_values() -> None:
    explanation = dataclasses.replace(heatmap(), values=np.arange(35, dtype=np.float32).reshape(7, 5).T)
    same(codec.unpack(codec.pack(explanation)), explanation)


def test_objects_are_refused() -> None:
    with pytest.raises(ValueError, match="object, not numbers"):
        codec.pack(dataclasses.replace(heatmap(), extras={"x": np.array([object()])}))


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b"????" + b[4:], lambda b: b[:30], lambda b: b""])
def test_damage_is_told(damage: object) -> None:
    with pytest.raises(ValueError):
        codec.unpack(damage(codec.pack(heatmap())))  # type: ignore[operator]
