"""Focus over many images: what a planted network reads, nothing computed twice, recall of the whole dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import fer_tui
from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import Heatmap, InputError, Place
from fer_tui.dataset import MappedDataset, open_dataset
from fer_tui.engine import Engine, Store, open_session
from fer_tui.engine.focusing import Choice, focus_table
from fer_tui.engine.settings import Settings
from fer_tui.regions import FocusTable, Regions, focus, regions_of

CORNER = np.zeros((12, 12), bool)
CORNER[6:, 6:] = True


class Corner(nn.Module):
    """Class 0 is a bright lower right quarter, class 1 a bright rest of the picture."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        quarter = x[:, :, 6:, 6:].square().mean((1, 2, 3))
        rest = (x.square().sum((1, 2, 3)) - 36 * quarter) / 108
        return torch.stack([quarter, rest], 1)


@pytest.fixture
def planted() -> tuple[TorchClassifier, MappedDataset]:
    rng = np.random.default_rng(2)
    images = rng.integers(1, 256, (30, 12, 12), dtype=np.uint8)
    images[:, 6:, 6:] //= 4
    images[::3, 6:, 6:] = 255  # of class 0 by the network; labelled so: rows 0, 6, 12, ...
    labels = np.array([0 if row % 6 == 0 else 1 for row in range(30)])
    classifier = open_classifier(Corner(), size=(12, 12), classes=["corner", "rest"], device="cpu")
    return classifier, open_dataset({"images": images, "labels": labels}, classes=["corner", "rest"], cache="none")


def regions() -> Regions:
    return regions_of({"mouth": CORNER})


def last(steps: object) -> FocusTable:
    *_, (progress, table) = steps  # type: ignore[misc]
    assert progress == 1 and isinstance(table, FocusTable)
    return table


def test_what_a_planted_network_reads_is_told(planted: tuple[TorchClassifier, MappedDataset]) -> None:
    engine = Engine(*planted)
    table = last(focus_table(engine, "saliency", regions(), Choice()))
    corner, rest = table.classes
    assert (corner.recall, rest.recall) == (1.0, 20 / 25)  # rows 3, 9, ... are labelled rest, and predicted corner
    assert corner.every and corner.right and rest.every and rest.right and rest.wrong
    assert (corner.every.images, rest.every.images, rest.wrong.images) == (5, 25, 5)
    assert corner.wrong is None
    assert corner.every.inside.absolute.value == 1 and rest.right.inside.absolute.value == 0
    assert rest.wrong.inside.absolute.value == 1  # explained is what was predicted: corner
    assert corner.every.inside.lift and corner.every.inside.lift.value == 4
    assert table.difference and table.difference.value == -1
    true = last(focus_table(engine, "saliency", regions(), Choice(target="true")))
    assert true.classes[1].wrong and true.classes[1].wrong.inside.absolute.value == 0
    always = last(focus_table(engine, "saliency", regions(), Choice(target=0)))
    assert always.whole and always.whole.every and always.whole.every.inside.absolute.value == 1


def test_the_rows_that_are_chosen(planted: tuple[TorchClassifier, MappedDataset]) -> None:
    engine = Engine(*planted)

    def counts(choice: Choice) -> list[int]:
        table = last(focus_table(engine, "saliency", regions(), choice))
        return [each.every.images if each.every else 0 for each in table.classes]

    assert counts(Choice(per_class=3)) == [3, 3] and counts(Choice(per_class=9)) == [5, 9]
    assert counts(Choice(rows=(0, 1, 1, 29))) == [1, 2]
    with pytest.raises(InputError, match="row 30: there is no such row"):
        counts(Choice(rows=(30,)))


def test_a_small_draw_is_the_beginning_of_a_large_one_and_nothing_is_made_twice(
    planted: tuple[TorchClassifier, MappedDataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fer_tui_plugins.saliency import Saliency

    made: list[int] = []
    real = Saliency.explain_many

    def counted(self: Saliency, subjects: Sequence[object], parameters: object) -> object:
        made.append(len(subjects))
        return real(self, subjects, parameters)  # type: ignore[arg-type]

    monkeypatch.setattr(Saliency, "explain_many", counted)
    engine = Engine(*planted, Store.open(tmp_path))
    few = last(focus_table(engine, "saliency", regions(), Choice(per_class=4)))
    assert sum(made) == 8
    many = last(focus_table(engine, "saliency", regions(), Choice(per_class=25)))
    assert sum(made) == 30  # only what was not there
    assert last(focus_table(engine, "ig", regions(), Choice(per_class=1))) and sum(made) == 32
    assert last(focus_table(engine, "saliency", regions(), Choice(per_class=25))) == many != few
    assert sum(made) == 32


def test_tables_come_while_it_works_and_it_can_be_stopped(planted: tuple[TorchClassifier, MappedDataset]) -> None:
    steps = focus_table(Engine(*planted), "saliency", regions(), Choice(), pause=1e-9)  # one image a step
    seen = list(steps)
    shares = [progress for progress, _ in seen]
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == 1 and len(shares) > 20
    early = next(table for _, table in seen if table is not None)
    assert early.whole and early.whole.every and early.whole.every.inside.absolute.low is None
    assert [each.every is not None for each in early.classes] == [True, True]  # classes take turns
    stopped = focus_table(Engine(*planted), "saliency", regions(), Choice())
    next(stopped)
    stopped.close()
    assert not list(stopped)


def test_it_is_the_focus_of_each_map() -> None:
    with open_session(Settings(device="cpu", cache="none", limit=14)) as session:
        from fer_tui.regions import named_regions

        samples, engine = named_regions("samples"), session.engine()
        table = last(focus_table(engine, "cam", samples, Choice()))
        images = [session.dataset[row].image for row in range(14)]
        maps = fer_tui.explain_many("cam", session.classifier, images)
        shares = [focus(each, samples, row=row).absolute for row, each in enumerate(maps) if isinstance(each, Heatmap)]
    assert table.whole and table.whole.every
    found = [region.absolute.value for region in table.whole.every.regions]
    np.testing.assert_allclose(found, np.mean(shares, 0), rtol=1e-4)


def test_without_labels_classes_are_the_predicted_ones(planted: tuple[TorchClassifier, MappedDataset]) -> None:
    classifier, dataset = planted
    unlabelled = open_dataset(np.asarray(dataset.images(0, 30)), cache="none")
    table = last(focus_table(Engine(classifier, unlabelled), "saliency", regions(), Choice()))
    assert table.by == "predicted class" and table.relation is None and table.difference is None
    assert [each.every.images for each in table.classes if each.every] == [10, 20]
    assert [each.every.inside.absolute.value for each in table.classes if each.every] == [1, 0]
    assert all(each.recall is None and each.right is None and each.wrong is None for each in table.classes)


def test_what_cannot_be_measured_is_told(planted: tuple[TorchClassifier, MappedDataset]) -> None:
    engine = Engine(*planted)
    with pytest.raises(InputError, match="method confusion: makes a matrix, no heat map"):
        last(focus_table(engine, "confusion", regions(), Choice()))
    by_row = regions_of({"mouth": np.zeros((29, 12, 12), bool) | CORNER}, "m.npz")
    with pytest.raises(InputError, match=r"m\.npz: has masks for 29 rows, and the data have 30"):
        last(focus_table(engine, "saliency", by_row, Choice()))
    with pytest.raises(InputError, match="layer nowhere"):
        last(focus_table(engine, "cam", regions(), Choice(), {"variant": "grad"}, Place(layer="nowhere")))
    with pytest.raises(InputError, match="focus by class needs"):
        last(focus_table(Engine(planted[0]), "saliency", regions(), Choice()))
