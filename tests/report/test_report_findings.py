"""Findings on planted cases, with their numbers recomputed: what is there is found, what is not is not."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import fer_tui
from fer_tui.cli.report import _made  # the way of the command, without its files
from fer_tui.contract import Heatmap
from fer_tui.engine import Session, Settings, open_session
from fer_tui.regions import focus, named_regions, regions_of
from fer_tui.report import Asked, Made

from .conftest import CLASSES, MOUTH, NET, Planted, pictures


def quiet(text: str, share: float | None = None, *, whole: bool = False) -> None:
    assert share is None or 0 <= share <= 1


def opened(planted: Planted, cache: str, net: str, data: str) -> Session:
    at = planted.folder
    settings = Settings(
        data=str(at / data), model=f"{at / 'net.py'}:{net}", weights=(str(at / f"{net}.safetensors"),),
        classes=CLASSES, device="cpu", cache=cache,
    )  # fmt: skip
    return open_session(settings)


def made_of(planted: Planted, cache: str, net: str, data: str) -> Made:
    with opened(planted, cache, net, data) as session:
        asked = Asked(regions=str(planted.folder / "masks.npz"))
        return _made(session, asked, str(planted.folder / data), quiet)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def report(planted: Planted, report_cache: str) -> Made:
    return made_of(planted, report_cache, "Mouth", "faces.npz")


def told(report: Made, number: int) -> Iterator[tuple[bool, str, dict[str, object]]]:
    for each in report.page.sections[number].findings:
        yield each.holds, each.text, dict(each.numbers)


def test_a_network_that_reads_only_the_mouth_is_found_to_read_the_mouth(report: Made, planted: Planted) -> None:
    holds, text, numbers = next(iter(told(report, 1)))
    assert holds and text.startswith("Saliency draws more than the size of: mouth 100.0 [100.0, 100.0] % on 12.5%")
    at = planted.folder
    classifier = fer_tui.open_classifier(
        f"{at / 'net.py'}:Mouth", str(at / "Mouth.safetensors"), size=(16, 16), classes=CLASSES, device="cpu"
    )
    maps = fer_tui.explain_many("saliency", classifier, list(planted.images))
    shares = []
    for each in maps:
        assert isinstance(each, Heatmap)
        shares.append(np.abs(each.values[MOUTH]).sum() / np.abs(each.values).sum())
    mouth = numbers["mouth"]
    assert isinstance(mouth, dict)
    assert mouth["share"] == pytest.approx(np.mean(shares), abs=1e-6) and mouth["area"] == MOUTH.mean()
    assert mouth["lift"] == pytest.approx(np.mean(shares) / MOUTH.mean(), abs=1e-5)


def test_the_numbers_of_cam_and_of_the_worst_pair_are_those_of_its_maps(report: Made, planted: Planted) -> None:
    at = planted.folder
    classifier = fer_tui.open_classifier(
        f"{at / 'net.py'}:Mouth", str(at / "Mouth.safetensors"), size=(16, 16), classes=CLASSES, device="cpu"
    )
    predicted = classifier.predict(list(planted.images)).argmax(1)
    assert (predicted == np.arange(60) % 3).all()  # the network knows the mouths; seven labels are wrong
    masks = regions_of({"mouth": MOUTH})
    shares = []
    for each in fer_tui.explain_many("cam", classifier, list(planted.images), predicted.tolist(), variant="cam"):
        assert isinstance(each, Heatmap)
        shares.append(focus(each, masks).absolute[0])
    table = report.material.focus["cam"]
    assert table.whole and table.whole.every
    assert table.whole.every.inside.absolute.value == pytest.approx(np.mean(shares), abs=1e-5)

    pair = report.material.pairs[0]
    rows = np.flatnonzero((planted.labels == pair.true) & (predicted == pair.predicted))
    assert pair.count == len(rows) and pair.share == len(rows) / (planted.labels == pair.true).sum()
    moved = []
    for row in rows:
        both = [
            fer_tui.explain("cam", classifier, planted.images[row], target=target, variant="cam")
            for target in (pair.predicted, pair.true)
        ]
        assert isinstance(both[0], Heatmap) and isinstance(both[1], Heatmap)
        contrast = both[0].values - both[1].values
        moved.append(contrast[MOUTH].sum() / np.abs(contrast).sum())
    assert pair.shares is not None
    assert pair.shares[:, 0].mean() == pytest.approx(np.mean(moved), abs=1e-5)


def test_what_the_first_layer_tells(report: Made, planted: Planted) -> None:
    findings = list(told(report, 2))
    assert findings[1][0] and "filters of conv answer otherwise to different classes (p ≤ 0.0005)" in findings[1][1]
    first = report.material.first
    assert first is not None
    module: dict[str, object] = {}
    exec(NET, module)
    net = module["Mouth"]()  # type: ignore[operator]
    from safetensors.torch import load_file

    net.load_state_dict(load_file(planted.folder / "Mouth.safetensors"))
    with torch.no_grad():
        x = torch.from_numpy(planted.images / np.float32(255))[:, None].float()
        means = net.conv(x * net.mask).mean((2, 3)).numpy()
    for index in range(3):
        mine = means[planted.labels == index].mean(0)
        assert first.values[first.labels == index].mean(0) == pytest.approx(mine, abs=1e-5)


def test_a_network_trained_on_shuffled_labels_yields_no_support(planted: Planted, report_cache: str) -> None:
    rng = np.random.default_rng(5)
    images, labels = pictures(180, 7)
    labels = rng.permutation(labels)
    module: dict[str, object] = {}
    exec(NET, module)
    torch.manual_seed(0)
    net = module["Whole"]()  # type: ignore[operator]
    x, y = torch.from_numpy(images / np.float32(255))[:, None].float(), torch.from_numpy(labels)
    optimiser = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(40):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(x[:90]), y[:90]).backward()
        optimiser.step()
    save_file(net.state_dict(), planted.folder / "Whole.safetensors")
    np.savez(planted.folder / "shuffled.npz", images=images[90:], labels=labels[90:], class_names=np.array(CLASSES))
    report = made_of(planted, report_cache, "Whole", "shuffled.npz")
    texts = [(holds, text) for number in (1, 2, 3, 4) for holds, text, _ in told(report, number)]
    for start in (
        "No region's share of Saliency differs between the classes",
        "No region's share of CAM differs between the classes",
        "No filter of conv answers otherwise to one class than to another",
        "Rank correlation of recall",
    ):
        assert [holds for holds, text in texts if text.startswith(start)] == [False], (start, texts)
    (accuracy,) = [(holds, text) for holds, text in texts if text.startswith("Accuracy")]
    assert not accuracy[0] and "no support that the network knows these classes" in accuracy[1]
    assert not any(holds for holds, text in texts if " is taken for " in text)


def test_data_without_labels_and_regions_say_so(planted: Planted, report_cache: str) -> None:
    np.savez(planted.folder / "bare.npz", images=planted.images[:9])
    at = planted.folder
    settings = Settings(
        data=str(at / "bare.npz"), model=f"{at / 'net.py'}:Mouth", weights=(str(at / "Mouth.safetensors"),),
        device="cpu", cache=report_cache,
    )  # fmt: skip
    with open_session(settings) as session:
        report = _made(session, Asked(images=(2, 1)), settings.data, quiet)  # type: ignore[arg-type]
    assert {"fig1_0.jpg", "fig3_1.jpg", "fig4_1.jpg"} < report.files.keys() and "confusion.jpg" not in report.files
    assert [each.row for each in report.material.shown] == [2, 1]
    texts = " ".join(text for number in (1, 3, 4) for _, text, _ in told(report, number))
    assert "No regions are known" in texts and "No row has a label" in texts and "needs labels and regions" in texts
    assert named_regions("layout").names[-1] == "outside" and "fer_tui_plugins.lime" in sys.modules
