from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_tui.contract import Explanation, Gallery, Heatmap, InputError, Matrix
from fer_tui.picture import load, save

META = {"explainer": "saliency", "place": {"image": 4, "target": 1}, "classes": ["anger", "fear"], "seconds": 0.5}


def heatmap(**given: object) -> Heatmap:
    values = np.array([[0.1, -2.5, 3], [0, 1e-8, 4]], np.float32)
    image = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    extras = {"channels": np.arange(6.0).reshape(1, 2, 3), "segments": np.array([[0, 1, 1], [2, 2, 0]], np.int16)}
    return Heatmap(**{"values": values, "image": image, "extras": extras, "meta": META, "signed": True, **given})


def gallery() -> Gallery:
    images = np.linspace(0, 1, 24, dtype=np.float32).reshape(2, 2, 2, 3)
    scores = np.array([0.5, np.nan], np.float32)
    return Gallery(images=images, captions=("ä", ""), scores=scores, marked=(1,), notes=("one", "two"))


def matrix() -> Matrix:
    return Matrix(counts=np.array([[3, 1], [0, 2]]), classes=("a", "b\x1b[31m"), meta={"parameters": {"seed": 0}})


EXPLANATIONS = [heatmap(), heatmap(signed=False, extras={}), gallery(), matrix()]


def assert_equal(first: Explanation, second: Explanation) -> None:
    assert type(first) is type(second)
    for name, value in vars(first).items():
        other = getattr(second, name)
        if isinstance(value, np.ndarray):
            assert value.dtype == other.dtype and np.array_equal(value, other, equal_nan=value.dtype.kind == "f")
        elif name == "extras":
            assert value.keys() == other.keys()
            for key in value:
                assert value[key].dtype == other[key].dtype and np.array_equal(value[key], other[key])
        else:
            assert value == other and type(value) is type(other)


@pytest.mark.parametrize("explanation", EXPLANATIONS, ids=lambda e: e.kind)
def test_npz_gives_back_an_equal_explanation(explanation: Explanation, tmp_path: Path) -> None:
    save(explanation, tmp_path / "e.npz")
    assert_equal(explanation, load(tmp_path / "e.npz"))
    with np.load(tmp_path / "e.npz", allow_pickle=False) as file:  # readable without fer-tui, and no pickle in it
        assert str(file["kind"]) == explanation.kind
        assert json.loads(str(file["meta"])) == explanation.meta


def test_json_has_the_same_numbers_and_no_nan(tmp_path: Path) -> None:
    explanation = heatmap(values=np.array([[0.1, np.nan, 3], [0, np.inf, 4]], np.float32), meta={"gap": float("nan")})
    save(explanation, tmp_path / "e.json")

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    read = json.loads((tmp_path / "e.json").read_text("utf-8"), parse_constant=refuse)
    assert read["values"] == [[0.1, None, 3], [0, None, 4]]
    assert read["meta"] == {"gap": None} and read["kind"] == "heatmap" and read["signed"] is True
    assert read["image"] == explanation.image.tolist()
    assert read["extras"]["segments"] == [[0, 1, 1], [2, 2, 0]]


def test_json_floats_give_back_the_very_float32(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(20, 20)).astype(np.float32) * np.float32(1e-20)
    save(Heatmap(values=values, image=np.zeros((20, 20), np.uint8)), tmp_path / "e.json")
    read = np.array(json.loads((tmp_path / "e.json").read_text())["values"], np.float32)
    assert np.array_equal(read, values)


@pytest.mark.parametrize("explanation", EXPLANATIONS, ids=lambda e: e.kind)
def test_every_kind_becomes_json_and_a_readable_png(explanation: Explanation, tmp_path: Path) -> None:
    explanation.save(tmp_path / "e.PNG")
    explanation.save(str(tmp_path / "e.json"))
    with Image.open(tmp_path / "e.PNG") as picture:
        assert picture.format == "PNG" and min(picture.size) > 150
    assert json.loads((tmp_path / "e.json").read_text("utf-8"))["kind"] == explanation.kind


def test_the_png_holds_the_map_enlarged_and_the_notes_make_it_taller(tmp_path: Path) -> None:
    values = np.array([[0, 1], [2, 4]], np.float32)
    plain = Heatmap(values=values, image=np.zeros((2, 2), np.uint8))
    save(plain, tmp_path / "plain.png", mode="map", colours="gray")
    save(Heatmap(values=values, image=plain.image, notes=("look twice",)), tmp_path / "noted.png")
    with Image.open(tmp_path / "plain.png") as picture, Image.open(tmp_path / "noted.png") as noted:
        right = 12 + 384 + 10  # margin, the image, a gap
        assert [picture.getpixel((right + x, 12 + y))[0] for y in (5, 300) for x in (5, 300)] == [0, 64, 128, 255]
        assert noted.height > picture.height and noted.width == picture.width


def test_a_title_with_escape_sequences_and_unknown_classes_is_drawn(tmp_path: Path) -> None:
    meta = {"explainer": "x\x1b[31m", "place": {"target": 9}, "classes": ["a"], "parameters": {"p": "[red]"}}
    save(heatmap(meta=meta), tmp_path / "e.png")
    assert (tmp_path / "e.png").stat().st_size > 500


@pytest.mark.parametrize(("name", "told"), [("e.jpg", "not written as .jpg"), ("e", "has no suffix")])
def test_other_suffixes_are_refused_with_the_known_ones(name: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"{told}.*end it in \.png, \.npz, \.json"):
        save(heatmap(), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_and_a_folder_as_the_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no folder .*nowhere \(make it first\)"):
        save(heatmap(), tmp_path / "nowhere" / "e.npz")
    (tmp_path / "e.npz").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        save(heatmap(), tmp_path / "e.npz")


@pytest.mark.parametrize(("name", "told"), [("n" * 300, "File name too long"), ("a\0b", "null (byte|character)")])
def test_an_impossible_name_is_told(name: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"cannot be written: .*{told}"):
        save(matrix(), tmp_path / f"{name}.npz")
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file_and_nothing_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(matrix(), tmp_path / "e.npz")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputError, match="No space left on device"):
        save(heatmap(), tmp_path / "e.npz")
    assert [each.name for each in tmp_path.iterdir()] == ["e.npz"]
    assert_equal(load(tmp_path / "e.npz"), matrix())


def test_objects_are_never_pickled(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="extras/bad: holds object"):
        save(heatmap(extras={"bad": np.array([{}])}), tmp_path / "e.npz")
    assert not list(tmp_path.iterdir())


def test_files_that_are_no_explanation_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("hello")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    np.savez(tmp_path / "pickled.npz", kind=np.array([{}], object))
    save(heatmap(), tmp_path / "cut.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "cut.npz").read_bytes()[:200])
    np.savez(tmp_path / "shape.npz", kind="matrix", counts=np.zeros((2, 3), int), classes=["a"], meta="{}", notes=[])
    for name in ("text", "other", "pickled", "cut", "shape"):
        with pytest.raises(InputError, match=r"damaged, or no saved explanation \(give a \.npz file"):
            load(tmp_path / f"{name}.npz")
