"""Small pictures to train on: drawn faces, and coloured ones of any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_tui_samples import faces_path


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """140 of the drawn faces in two splits: 105 to train on, 35 to measure with."""
    path = tmp_path_factory.mktemp("faces") / "faces.npz"
    with np.load(faces_path()) as stored:
        split = np.array(["Training", "PublicTest"])[(np.arange(140) % 4 == 3).astype(int)]
        np.savez(path, images=stored["images"][:140], labels=stored["labels"][:140], split=split,
                 class_names=stored["class_names"])  # fmt: skip
    return path


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each of three classes with a hundred RGB pictures of many sizes: reddish, greenish, bluish."""
    folder, chance = tmp_path_factory.mktemp("colours"), np.random.default_rng(0)
    for channel, name in enumerate(("red", "green", "blue")):
        (folder / name).mkdir()
        for number in range(100):
            height, width = chance.integers(24, 90, 2)
            pixels = chance.integers(0, 160, (height, width, 3), np.uint8)
            pixels[..., channel] = np.minimum(pixels[..., channel] + 40.0, 255)
            Image.fromarray(pixels).save(folder / name / f"{number:03d}.png")
    return folder
