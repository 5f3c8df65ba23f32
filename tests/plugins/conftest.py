"""Real rows, and subjects made by hand, for the explainers' own tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import Place, Subject

FER = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks on a busy machine: two threads mostly wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def public(shared: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images and labels of the PublicTest rows."""
    with np.load(shared / "data" / "fer2013_trainval.npz") as file:
        rows = file["usage"] == 1
        return file["images"][rows], file["labels"][rows].astype(np.int64)


@pytest.fixture
def hhccode(shared: Path, nets: Path) -> TorchClassifier:
    return open_classifier(
        f"{nets}:MobileGap3", shared / "models" / "hhccode_mobilenetv1.pt", classes=FER, device="cpu"
    )


@pytest.fixture
def subject() -> Callable[..., Subject]:
    def make(classifier: TorchClassifier, image: NDArray[np.uint8], target: int, row: int = 0) -> Subject:
        return Subject(classifier, Place(image=row, target=target, checkpoint=0), image)

    return make
