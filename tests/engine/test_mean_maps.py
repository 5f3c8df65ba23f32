"""Mean maps: what NumPy says over all maps at once, made of what is stored, with a few maps in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from weakref import WeakSet

import numpy as np
import pytest

from fer_tui.cli import main
from fer_tui.contract import Axis, Explainer, Heatmap, InputError, Parameters, Place, Result, Subject
from fer_tui.engine import Engine, Settings, Store, focusing, open_session
from fer_tui.engine.mean_maps import Averaged, mean_maps
from fer_tui.engine.means import levelled
from fer_tui.picture import load


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    with open_session(Settings(device="cpu", cache=str(tmp_path_factory.mktemp("cache")), limit=120)) as opened:
        yield opened


@pytest.fixture
def engine(session: object, tmp_path: Path) -> Engine:
    return Engine(session.classifier, session.dataset, Store.open(tmp_path / "store"))  # type: ignore[attr-defined]


def made(engine: Engine, what: Averaged, method: str = "saliency", **parameters: object) -> dict[int, Heatmap]:
    *shares, (last, found) = mean_maps(engine, method, what, parameters)
    assert last == 1 and found is not None and all(each is None for _, each in shares)
    return found


def maps(engine: Engine, rows: Sequence[int], targets: Sequence[int]) -> np.ndarray:
    places = [Place(row, int(target)) for row, target in zip(rows, targets, strict=True)]
    found = [each.explanation for each in engine.explain_many("saliency", places)]
    return np.array([each.values for each in found if isinstance(each, Heatmap)], np.float64)


def test_equal_to_the_mean_over_all_at_once(engine: Engine) -> None:
    assert engine.dataset is not None
    labels = np.asarray(engine.dataset.labels)
    predicted = np.concatenate([scores.argmax(1) for _, scores in engine.scores()])
    every = maps(engine, range(120), predicted)
    pictures = np.array([engine.classifier.shown(image) for image in engine.dataset.images(0, 120)], np.float64)
    by_true, by_predicted = made(engine, Averaged()), made(engine, Averaged(by="predicted"))
    for listed, found in ((labels, by_true), (predicted, by_predicted)):
        assert list(found) == sorted(set(listed.tolist())) and len(found) > 3
        for index, mean in found.items():
            own = listed == index
            np.testing.assert_allclose(mean.values, every[own].mean(0), rtol=1e-5, atol=1e-8)
            wanted = every[own].std(0, ddof=1) if own.sum() > 1 else np.zeros((48, 48))
            np.testing.assert_allclose(mean.extras["spread"], wanted, rtol=1e-5, atol=1e-8)
            assert np.abs(mean.image - pictures[own].mean(0)).max() <= 0.51
            assert mean.meta["mean"]["count"] == own.sum() and mean.meta["mean"]["left_out"] == 0
            assert f"the mean of {own.sum()} maps" in mean.notes[0]
    some = Averaged(rows=range(0, 120, 7), target=2, by="all", alike=True)
    (mean,) = made(engine, some).values()
    each = [levelled(one.astype(np.float32)) for one in maps(engine, range(0, 120, 7), [2] * 18)]
    np.testing.assert_allclose(mean.values, np.mean(each, 0), rtol=1e-5, atol=1e-7)  # type: ignore[arg-type]
    true = made(engine, Averaged(target="true"))
    np.testing.assert_allclose(true[0].values, maps(engine, range(120), labels)[labels == 0].mean(0), rtol=1e-5)


def test_only_what_is_missing_is_made_and_few_maps_are_in_memory(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fer_tui_plugins.saliency import Saliency

    counted: list[int] = []
    real = Saliency.explain_many

    def explain_many(self: Saliency, subjects: Sequence[object], parameters: object) -> object:
        counted.append(len(subjects))
        return real(self, subjects, parameters)  # type: ignore[arg-type]

    monkeypatch.setattr(Saliency, "explain_many", explain_many)
    monkeypatch.setattr(focusing, "_MOST", 16)
    first = made(engine, Averaged(rows=range(40)))
    assert sum(counted) == 40 and max(counted) <= 16
    alive: WeakSet[Heatmap] = WeakSet()
    check = Heatmap.__post_init__

    def register(self: Heatmap) -> None:
        check(self)
        alive.add(self)

    monkeypatch.setattr(Heatmap, "__post_init__", register)
    seen = [len(alive) for _ in mean_maps(engine, "saliency", Averaged())]
    assert sum(counted) == 120 and 0 < max(seen) <= 3 * 16 and len(first) > 3
    made(engine, Averaged())
    assert sum(counted) == 120


class Odd(Explainer):  # type: ignore[type-arg]
    """Its map is not finite where the row is odd, and zero everywhere in every fourth row."""

    name, title, help, version, kind = "odd", "Odd", "Fails at times.", "1", "heatmap"
    axes = frozenset({Axis.IMAGE})

    def explain(self, subject: Subject, parameters: Parameters) -> Iterator[Result]:
        row = subject.place.image or 0
        image = subject.classifier.shown(subject.image)
        values = np.full(image.shape[:2], row % 4, np.float32)
        if row % 2:
            values[0, 0] = np.nan
        yield Result(subject.place, Heatmap(values=values, image=image), True, 1.0)


@pytest.mark.filterwarnings("ignore:explainer odd:RuntimeWarning")
def test_what_is_not_finite_is_left_out_and_counted(session: object) -> None:
    engine = Engine(session.classifier, session.dataset, None, [Odd])  # type: ignore[attr-defined]
    (mean,) = made(engine, Averaged(rows=range(12), by="all"), "odd").values()
    assert (mean.values == 1).all() and (mean.meta["mean"]["count"], mean.meta["mean"]["left_out"]) == (6, 6)
    assert mean.notes[-1] == "6 more are left out: not finite"
    (mean,) = made(engine, Averaged(rows=range(12), by="all", alike=True), "odd").values()
    assert (mean.values == 1).all() and (mean.meta["mean"]["count"], mean.meta["mean"]["left_out"]) == (3, 9)
    with pytest.raises(InputError, match="none of its maps has a finite value"):
        made(engine, Averaged(rows=(1, 3), by="all"), "odd")


def test_what_has_no_mean_is_told(engine: Engine, session: object, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="method confusion: makes a matrix, no heat map"):
        made(engine, Averaged(), "confusion")
    with pytest.raises(InputError, match="row 120: there is no such row"):
        made(engine, Averaged(rows=(3, 120)))
    with pytest.raises(InputError, match="a mean needs one"):
        made(Engine(engine.classifier), Averaged())
    from fer_tui.dataset import open_dataset

    assert engine.dataset is not None
    unlabelled = open_dataset(np.asarray(engine.dataset.images(0, 3)), cache="none")
    with pytest.raises(InputError, match=r"no mean by true class \(--average predicted"):
        made(Engine(engine.classifier, unlabelled), Averaged())
    assert made(Engine(engine.classifier, unlabelled), Averaged(by="all"))[-1].meta["mean"]["count"] == 3


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    flags = ["--device", "cpu", "--limit", "20", "--cache", "kept"]
    assert main(["explain", "saliency", "--average", "predicted", "-o", "means", "--json", *flags]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert sum(each["count"] for each in shown) == 20 and all(each["class"] for each in shown)
    index = json.loads(Path("means/index.json").read_text())
    assert [each["class"] for each in index] == [each["class"] for each in shown]
    names = {"index.json", *(name for each in index for name in each["files"])}
    assert {path.name for path in Path("means").iterdir()} == names
    assert main(["explain", "saliency", "--average", "all", "--where", "true:fear", "-o", "one.npz", *flags]) == 0
    assert load("one.npz").meta["mean"]["count"] == 3
    capsys.readouterr()
    assert main(["explain", "ig", "--average", "all", "--alike", *flags, "-p", "steps=4"]) == 0
    assert "note: the mean of 20 maps, each for its predicted class" in capsys.readouterr().out
    for words, said in (
        (["--average", "true", "-o", "x.png"], "would be one file (with --average name a folder)"),
        (["--average", "--image", "3"], "--average is about many images: it does not go with --image"),
        (["--average", "--target", "predicted,true"], "predicted,true"),
        (["--alike"], "--alike belongs to --average"),
        (["--average", "all", "-o", "nowhere/x.png"], "there is no folder nowhere"),
    ):
        assert main(["explain", "saliency", *words, *flags]) == 2
        assert said in capsys.readouterr().err
