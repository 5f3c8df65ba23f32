"""The real checkpoints: scores equal a plain torch loop, accuracies are those that were published."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from fer_tui.classifier import open_classifier

CHECKPOINTS = {
    "hhccode_mobilenetv1": ("MobileGap3", 600),
    "linkingmon_mobilenet": ("MobileGap6", 300),
    "jimpei_CNN2": ("PlainCNN", 100),
    **{f"jimpei_mnet_{epoch:03}": ("MobileStack", 100) for epoch in (25, 50, 75, 100, 125)},
}


@pytest.fixture(scope="module")
def public_test(shared: Path):
    with np.load(shared / "data" / "fer2013_trainval.npz") as data:
        rows = np.flatnonzero(data["usage"] == 1)[:600]
        return data["images"][rows], data["labels"][rows].astype(int)


def plain_scores(nets: Path, name: str, weights: Path, images: np.ndarray) -> np.ndarray:
    """An independent loop: the class, torch.load, x/255."""
    spec = importlib.util.spec_from_file_location("plain_nets", nets)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = getattr(module, name)().eval()
    network.load_state_dict(torch.load(weights, weights_only=True))
    with torch.no_grad():
        x = torch.tensor(images[:, None] / 255, dtype=torch.float32)
        return torch.cat([network(part) for part in x.split(25)]).numpy()


@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
def test_scores_equal_a_plain_loop(shared: Path, nets: Path, public_test, checkpoint: str):
    name, count = CHECKPOINTS[checkpoint]
    images, labels = public_test[0][:count], public_test[1][:count]
    weights = shared / "models" / f"{checkpoint}.pt"
    classifier = open_classifier(f"{nets}:{name}", weights, size_hint=(48, 48))
    scores = classifier.predict(images)
    expected = plain_scores(nets, name, weights, images)
    assert scores.dtype == np.float32
    rounding = 1e-5 * max(1, np.abs(expected).max() / 10)  # float32 sums of scores up to 30
    assert np.abs(scores - expected).max() < rounding
    assert (scores.argmax(1) == labels).sum() == (expected.argmax(1) == labels).sum()
    assert (scores.argmax(1) == labels).mean() > 0.45
    one_by_one = np.concatenate([classifier.predict([image]) for image in images[:8]])
    assert np.abs(one_by_one - scores[:8]).max() < rounding


def test_the_published_accuracy_is_near_on_the_first_600(shared: Path, nets: Path, public_test):
    classifier = open_classifier(f"{nets}:MobileGap3", shared / "models" / "hhccode_mobilenetv1.pt")
    accuracy = (classifier.predict(public_test[0]).argmax(1) == public_test[1]).mean()
    assert accuracy == pytest.approx(0.6612, abs=0.04)


def test_a_training_run_is_one_axis(shared: Path, nets: Path, public_test):
    files = [shared / "models" / f"jimpei_mnet_{epoch:03}.pt" for epoch in (25, 50, 75, 100, 125)]
    run = open_classifier(f"{nets}:MobileStack", files)
    assert run.checkpoints == tuple(file.name for file in files)
    assert len(set(run.digests)) == 5
    assert run.at(0) is run
    for index, file in enumerate(files):
        alone = open_classifier(f"{nets}:MobileStack", file)
        assert run.at(index).digest == run.digests[index] == alone.digest
        assert np.array_equal(run.at(index).predict(public_test[0][:4]), alone.predict(public_test[0][:4]))
    assert run.at(3).at(1).digest == run.digests[1]


def test_the_digest_is_the_same_in_another_process(shared: Path, nets: Path):
    weights = shared / "models" / "hhccode_mobilenetv1.pt"
    here = open_classifier(f"{nets}:MobileGap3", weights).digest
    code = (
        "import sys; sys.dont_write_bytecode = True\n"
        "import fer_tui.classifier as door\n"
        "assert 'torch' not in sys.modules\n"
        f"print(door.open_classifier({f'{nets}:MobileGap3'!r}, {str(weights)!r}).digest)"
    )
    told = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == here


def test_layers_of_a_real_network(shared: Path, nets: Path):
    classifier = open_classifier(f"{nets}:MobileGap3", shared / "models" / "hhccode_mobilenetv1.pt")
    names = [layer.name for layer in classifier.layers]
    assert names.index("input_layer.0") < names.index("conv_layer.0.conv.0") < names.index("output_layer")
    assert names.index("input_layer.7") < names.index(
        "input_layer"
    )  # a container's output is ready after its content's
    first, last = classifier.layer("input_layer.0"), classifier.layer("output_layer")
    assert (first.kind, first.shape, first.filters, first.parameters) == ("Conv2d", (32, 48, 48), 32, 288)
    assert (last.kind, last.shape, last.filters, last.parameters) == ("Linear", (7,), 0, 257 * 7)
    assert classifier.layer("conv_layer").parameters == 87_392
