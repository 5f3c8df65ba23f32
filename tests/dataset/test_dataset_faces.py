"""Faces: found in photographs, cropped as FER2013's are, and the real ones that need no file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from skimage.data import astronaut, lfw_subset

import fer_tui
from fer_tui.contract import InputError
from fer_tui.dataset.faces import Face, chosen_face, crop_face, find_faces


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return astronaut()


@pytest.fixture(scope="module")
def still_life() -> np.ndarray:
    """Circles, a box and stripes: no face."""
    picture = Image.new("L", (320, 240), 200)
    draw = ImageDraw.Draw(picture)
    for n in range(0, 320, 16):
        draw.line((n, 0, n, 60), 90)
    draw.rectangle((40, 120, 140, 220), 60, 20)
    draw.ellipse((180, 110, 290, 220), 120, 240)
    return np.asarray(picture)


def test_the_face_of_a_portrait_is_found_at_every_size(portrait: np.ndarray) -> None:
    (face,) = find_faces(portrait)
    assert face.left < 222 < face.left + face.side and face.top < 115 < face.top + face.side  # the tip of the nose
    assert 75 < face.side < 125 and not face.faint
    large = np.asarray(Image.fromarray(portrait).resize((1536, 1536)))
    (thrice,) = find_faces(large)
    assert thrice.side / 3 == pytest.approx(face.side, rel=0.4) and abs(thrice.left / 3 - face.left) < 20


def test_several_faces_are_numbered_from_the_left(portrait: np.ndarray) -> None:
    two = np.concatenate([portrait, portrait[:, ::-1]], axis=1)
    left, right = find_faces(two)
    assert left.left < 512 <= right.left
    assert (right.left + right.side / 2) == pytest.approx(1024 - (left.left + left.side / 2), abs=15)
    with pytest.raises(
        InputError, match=r"two.png: there are 2 faces: 1 at row .*; 2 at row .* \(choose one: --face 1\)"
    ):
        chosen_face(two, None, "two.png")
    assert chosen_face(two, 2, "two.png") == right
    with pytest.raises(InputError, match=r"two.png: there is no face 3 \(there are 2"):
        chosen_face(two, 3, "two.png")


def test_where_there_is_none_that_is_said(still_life: np.ndarray) -> None:
    assert find_faces(still_life) == []
    assert find_faces(np.zeros((5, 4), np.uint8)) == find_faces(np.full((60, 60, 3), 255, np.uint8)) == []
    with pytest.raises(InputError, match=r"stripes.png: no face is found in it"):
        chosen_face(still_life, None, "stripes.png")


def test_a_crop_is_gray_square_and_as_wide_as_told() -> None:
    across = np.broadcast_to(np.arange(200, dtype=np.uint8), (150, 200))
    crop = crop_face(across, Face(50, 40, 71))
    assert crop.shape == (48, 48) and crop.dtype == np.uint8
    side = 71 / 0.917
    assert (int(crop[20, -1]) - int(crop[20, 0])) / 47 == pytest.approx(side / 48, rel=0.03)
    assert crop[20].mean() == pytest.approx(40 + 71 / 2, abs=1)
    rim = crop_face(across, Face(-10, 170, 60))  # beyond the border
    assert rim[0].max() == 199 and (rim[:, -5:] == 199).all()
    colour = np.stack([across, across // 2, across * 0], -1).astype(np.uint8)
    assert crop_face(colour, Face(50, 40, 71)).shape == (48, 48)


def test_faces_of_fer2013_fill_their_pictures_as_the_crops_do(shared: Path) -> None:
    with np.load(shared / "data" / "fer2013_trainval.npz") as stored:
        images = stored["images"][-600::20]
    shares = []
    for image in images:
        large = Image.fromarray(image).resize((96, 96), Image.Resampling.BICUBIC)
        shares += [face.side / 96 for face in find_faces(np.pad(np.asarray(large), 48, mode="edge")) if face.side > 48]
    assert len(shares) >= 15 and np.median(shares) == pytest.approx(0.917, abs=0.06)


def test_real_faces_without_a_file(portrait: np.ndarray, tmp_path: Path) -> None:
    faces = fer_tui.open_dataset("builtin:faces", cache=tmp_path)
    assert len(faces) == 101 and faces.classes == () and (np.asarray(faces.labels) == -1).all()
    assert faces.uniform_shape == (48, 48)
    assert np.array_equal(faces[0].image, crop_face(portrait, find_faces(portrait)[0]))
    small = np.asarray(Image.fromarray(faces[8].image).resize((25, 25), Image.Resampling.BOX), float)
    assert np.corrcoef(small.ravel(), lfw_subset()[7].ravel())[0, 1] > 0.98 and faces[8].id == "lfw 7"
    again = fer_tui.open_dataset("builtin:faces", cache=tmp_path)
    assert again.folder == faces.folder and again.key == faces.key
    samples = fer_tui.open_dataset("builtin:samples", cache=tmp_path)
    assert len(samples) == 350 and "fear" in samples.classes
    with pytest.raises(InputError, match=r"builtin:facs: there is no such built-in dataset; did you mean faces\?"):
        fer_tui.open_dataset("builtin:facs")


def test_what_was_parsed_is_mapped_without_scikit_image(tmp_path: Path) -> None:
    folder = fer_tui.open_dataset("builtin:faces", cache=tmp_path).folder
    code = f"import sys; from fer_tui.dataset import map_dataset; map_dataset({str(folder)!r})[3].image.sum()"
    subprocess.run([sys.executable, "-c", f"{code}; assert 'skimage' not in sys.modules"], check=True)
