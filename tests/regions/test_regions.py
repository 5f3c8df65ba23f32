"""Regions are disjoint, cover the picture, and are fitted as pictures are; masks come from files and folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import fer_tui_samples
from fer_tui.classifier.fitting import FITS, fitted
from fer_tui.contract import InputError, read_masks
from fer_tui.dataset import open_dataset
from fer_tui.regions import face_layout, known_regions, named_regions, open_regions, regions_of

Mask = NDArray[np.bool_]


def box(top: int, bottom: int, left: int, right: int, size: tuple[int, int] = (12, 12)) -> Mask:
    mask = np.zeros(size, np.bool_)
    mask[top:bottom, left:right] = True
    return mask


def test_masks_by_hand_become_disjoint_and_cover_the_picture() -> None:
    masks = {"face": box(1, 11, 2, 10), "mouth": box(7, 9, 3, 9), "hand": box(8, 12, 0, 5), "tooth": box(7, 8, 4, 5)}
    regions = regions_of(masks)
    assert regions.names == ("rest of the face", "mouth", "hand", "tooth", "outside")
    weights = regions.weights((12, 12))
    assert set(np.unique(weights)) == {0, 1} and (weights.sum(0) == 1).all()
    rest, mouth, hand, tooth, outside = weights.astype(bool)
    assert (tooth == masks["tooth"]).all()  # the smallest has its pixels first
    assert (mouth == masks["mouth"] & ~masks["tooth"]).all()  # 12 pixels
    assert (hand == masks["hand"] & ~masks["mouth"]).all()  # 20 pixels
    assert (rest == masks["face"] & ~masks["mouth"] & ~masks["hand"]).all()
    assert (outside == ~(masks["face"] | masks["hand"])).all()
    assert regions.inside == (0, 1)  # what is of a face: neither hand nor tooth


def test_a_face_alone_stays_a_face_and_other_names_are_inside_as_they_are() -> None:
    assert regions_of({"face": box(0, 5, 0, 5)}).names == ("face", "outside")
    assert regions_of({"left": box(0, 12, 0, 6), "dot": box(1, 2, 8, 9)}).inside == (0, 1)


def test_masks_by_row_are_those_of_the_row() -> None:
    masks = np.stack([box(0, 6, 0, 6), box(6, 12, 6, 12)])
    regions = regions_of({"part": masks, "all rows": box(0, 2, 8, 12)}, "masks.npz")
    assert regions.rows == 2
    for row in (0, 1):
        assert (regions.weights((12, 12), row=row)[0] == masks[row]).all()
        assert (regions.weights((12, 12), row=row)[1] == box(0, 2, 8, 12)).all()
    for row, told in ((2, "row 2"), (None, "no row of the data")):
        with pytest.raises(InputError, match=f"masks.npz: has masks for rows 0 to 1, and the picture is {told}"):
            regions.weights((12, 12), row=row)
    regions.check_rows(2, limited=False)
    regions.check_rows(1, limited=True)
    for rows, limited in ((3, False), (3, True), (1, False)):
        with pytest.raises(InputError, match=f"has masks for 2 rows, and the data have {rows}"):
            regions.check_rows(rows, limited=limited)


@pytest.mark.parametrize("how", FITS)
@pytest.mark.parametrize("size", [(48, 48), (20, 31), (7, 7)])
def test_masks_are_fitted_as_pictures_are(how: str, size: tuple[int, int]) -> None:
    """A picture that is white in the region is, once fitted, as bright as the region has weight there."""
    rng = np.random.default_rng(0)
    masks = {"a": box(3, 20, 4, 30, (30, 44)), "b": rng.random((30, 44)) < 0.3}
    regions = regions_of(masks)
    weights = regions.weights(size, picture=(30, 44), fit=how)  # type: ignore[arg-type]
    np.testing.assert_allclose(weights.sum(0), 1, atol=1e-12)
    disjoint = regions.weights((30, 44))
    for part, weight in zip(disjoint[:-1], weights[:-1], strict=True):
        shown = fitted(part.astype(np.uint8) * np.uint8(255), size, how)  # type: ignore[arg-type]
        assert np.abs(shown / 255 - weight).max() <= 1.01 / 255  # the picture is rounded, twice where it is resized
    if how == "pad" and size == (48, 48):
        assert (weights[-1, :7] == 1).all() and (weights[:-1, :7] == 0).all()  # the black border is outside


def test_masks_of_the_networks_input_are_taken_as_they_are() -> None:
    regions = regions_of({"a": box(2, 9, 1, 5)})
    assert (regions.weights((12, 12), picture=(30, 20), fit="crop")[0] == box(2, 9, 1, 5)).all()
    with pytest.raises(
        InputError, match="its masks are 12 x 12, the picture is 30 x 20 and the network's input 48 x 48"
    ):
        regions.weights((48, 48), picture=(30, 20))


@pytest.mark.parametrize(
    ("masks", "told"),
    [
        ({}, "has no region"),
        ({"outside": box(0, 1, 0, 1)}, "names a region outside"),
        ({"a": box(0, 1, 0, 1), "b": box(0, 1, 0, 1, (9, 12))}, "several shapes: a 12 x 12, b 9 x 12"),
        ({"a": np.zeros((2, 4, 4), bool), "b": np.zeros((3, 4, 4), bool)}, "several shapes"),
        ({"a": np.full((4, 4), 7)}, "a is int64 (4, 4), not a mask"),
        ({"a": np.zeros((4, 4), float)}, "a is float64 (4, 4), not a mask"),
        ({"a": np.zeros(4, bool)}, "a is bool (4,), not a mask"),
    ],
)
def test_masks_that_do_not_fit_together_are_told(masks: dict[str, NDArray[np.generic]], told: str) -> None:
    with pytest.raises(InputError) as caught:
        regions_of(masks, "m.npz")
    assert str(caught.value).startswith("m.npz: ") and told in str(caught.value)


# ---- files -----------------------------------------------------------------------------------------------------------


def saved(folder: Path, name: str, mask: Mask) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask.astype(np.uint8) * np.uint8(255)).save(folder / f"{name}.png")


def test_one_set_of_masks_in_every_format(tmp_path: Path) -> None:
    masks = {"left": box(0, 12, 0, 5), "mouth": box(7, 9, 6, 11)}
    np.savez(tmp_path / "masks.npz", **masks)
    labels = masks["left"] * np.uint8(1) + masks["mouth"] * np.uint8(2)
    Image.fromarray(labels).save(tmp_path / "labels.png")
    for name, mask in masks.items():
        saved(tmp_path / "folder", name, mask)
    for place in ("masks.npz", "labels.png", "folder"):
        found = read_masks(tmp_path / place)
        assert [mask.tolist() for mask in found.values()] == [mask.tolist() for mask in masks.values()]
        expected = list(masks) if place != "labels.png" else ["region 1", "region 2"]
        assert list(found) == expected
        assert named_regions(tmp_path / place).names == (*expected, "outside")


def test_a_folder_of_masks_by_row(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    by_row = rng.random((11, 12, 12)) < 0.5
    for row, mask in enumerate(by_row):
        saved(tmp_path / "mouth", f"{row:03}", mask)
    saved(tmp_path, "nose", box(0, 2, 0, 2))
    found = read_masks(tmp_path)
    assert found["mouth"].tolist() == by_row.tolist() and found["nose"].shape == (12, 12)
    saved(tmp_path / "mouth", "011", np.zeros((3, 3), np.bool_))
    with pytest.raises(InputError, match="its pictures have several sizes"):
        read_masks(tmp_path)


def test_the_samples_masks_packed_and_by_name() -> None:
    packed, named = named_regions(fer_tui_samples.faces_path()), named_regions("samples")
    assert packed.names == named.names == ("eyes", "brows", "nose", "mouth", "rest of the face", "hand", "outside")
    assert (packed.masks == named.masks).all() and named.rows == 350
    masks = fer_tui_samples.load_masks()
    for row in (0, 133, 349):
        weights = dict(zip(named.names, named.weights((48, 48), row=row), strict=True))
        for name in ("eyes", "brows", "nose", "mouth", "hand"):
            assert (weights[name] == masks[name][row]).all()
        assert (weights["outside"] == ~(masks["face"] | masks["hand"])[row]).all()


def test_no_masks_are_told(tmp_path: Path) -> None:
    (tmp_path / "bad.npz").write_bytes(b"no zip")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "eyes.png").write_bytes(b"no picture")
    for name, told in (
        ("none.npz", "there is no such file"),
        ("bad.npz", r"is no \.npz that can be read, or is cut off"),
        ("x.txt", "no file of masks"),
        ("folder", r"folder/eyes\.png: is no picture that can be read \(get the file again\)"),
    ):
        with pytest.raises(InputError, match=told):
            named_regions(tmp_path / name)
    with pytest.raises(InputError, match="lyout: is no file of masks; did you mean layout"):
        named_regions("lyout")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="has no region"):
        named_regions(tmp_path / "empty")


# ---- the layout ------------------------------------------------------------------------------------------------------


def test_the_layout_is_where_the_samples_have_their_parts() -> None:
    """Each ellipse overlaps with the true masks as well as any other near it, within 2 %; the face by 98 %."""
    from fer_tui.regions.layout import _PARTS, _ellipse

    masks = fer_tui_samples.load_masks()

    def overlap(name: str, x: float, y: float, across: float, down: float) -> float:
        ellipse = _ellipse(x, y, across, down)
        ellipse = ellipse | ellipse[:, ::-1] if name in ("eyes", "brows") else ellipse
        true = masks[name][masks[name].any((1, 2))]
        return float((2 * (true & ellipse).sum((1, 2)) / (true.sum((1, 2)) + ellipse.sum())).mean())

    for name, (x, y, across, down) in _PARTS.items():
        here = overlap(name, x, y, across, down)
        aside = (0.0,) if x == 24 else (-1.0, 0.0, 1.0)  # in the middle of a mirrored face
        others = [
            overlap(name, x + dx, y + dy, across + wide, down + tall)
            for dx in aside for dy in (-1, 0, 1) for wide in (-1, 0, 1) for tall in (-1, 0, 1)
        ]  # fmt: skip
        assert here >= 0.98 * max(others), name
        assert here > 0.9 * overlap(name, x, y + 2, across, down), name
    face = face_layout().masks.any(0)
    most = masks["face"].mean(0) >= 0.5
    most = (most | most[:, ::-1]) & (most & most[:, ::-1])
    assert (face & most).sum() / (face | most).sum() > 0.97


def test_the_layout_fits_the_mean_face_of_real_data(shared: Path) -> None:
    """The darkest points of the mean face (pupils, the line of the mouth) lie within 1.5 pixels of the centres."""
    with np.load(shared / "data" / "fer2013_trainval.npz") as stored:
        mean = stored["images"][stored["usage"] == 1].mean(0)
    mean = (mean + mean[:, ::-1]) / 2
    parts = dict(zip(face_layout().names, face_layout().weights((48, 48)).astype(bool), strict=True))
    left = np.where((np.arange(48) < 24)[None] & (np.arange(48) > 13)[:, None], parts["eyes"] * (256 - mean), 0)
    y, x = np.unravel_index(int(left.argmax()), left.shape)
    assert abs(x + 0.5 - 16) <= 1.5 and abs(y + 0.5 - 18.5) <= 1.5
    middle = mean[30:46, 22:26].mean(1)  # from below the nose to the chin
    nostrils = mean[:, 20:22].mean(1)
    assert parts["nose"][27:31, 20:22].all() and 25 <= 22 + int(np.diff(nostrils[22:33]).argmin()) <= 31
    assert abs(30 + int(middle[3:].argmin()) + 3 + 0.5 - 38.5) <= 1.5


def test_the_layout_is_for_48_pixels_unless_asked() -> None:
    layout = face_layout()
    assert layout.names == ("eyes", "brows", "nose", "mouth", "rest of the face", "outside")
    with pytest.raises(InputError, match=r"layout: its masks are 48 x 48, the picture is 96 x 96 .*layout:scaled"):
        layout.weights((48, 48), picture=(96, 96))
    scaled = named_regions("layout:scaled").weights((96, 96), picture=(96, 96))
    halves = scaled.reshape(6, 48, 2, 48, 2).mean((2, 4))
    np.testing.assert_allclose(halves.mean((1, 2)), layout.weights((48, 48)).mean((1, 2)), atol=0.003)
    assert np.abs(halves - layout.weights((48, 48))).mean() < 0.05


def test_what_is_known_of_what_is_open(tmp_path: Path) -> None:
    faces = str(fer_tui_samples.faces_path())
    samples = open_dataset(faces, cache="none")
    assert known_regions(None, samples) == known_regions(faces, samples) == "samples"
    images, names = samples.images(0, 7), ["Anger", "DISGUST", "fear", "joy", "sadness", "surprised", "neutral"]
    mine = open_dataset({"images": np.asarray(images), "labels": np.arange(7)}, classes=names, cache="none")
    assert known_regions("mine.npz", mine) == "layout"
    other = open_dataset({"images": np.asarray(images), "labels": np.arange(7)}, cache="none")
    assert known_regions("mine.npz", other) is None
    with pytest.raises(InputError, match="regions auto: known are"):
        open_regions("auto", "mine.npz", other)
    with pytest.raises(InputError, match="regions samples: other data are open"):
        open_regions("samples", "mine.npz", mine)
    assert open_regions("auto", "mine.npz", mine).where == "layout"
