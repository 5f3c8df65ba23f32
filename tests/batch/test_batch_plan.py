"""The product over axes: what it multiplies, how it is cut, under which keys it is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from fer_tui import plugins
from fer_tui.batch import Asked, Plan
from fer_tui.batch.chunks import Chunk
from fer_tui.contract import Heatmap, InputError, Place, parse_parameters
from fer_tui.engine import Engine, Settings, Store, open_session

ROWS = 20
Planned = Callable[..., Plan]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Two checkpoints of the samples' network."""
    import fer_tui_samples

    run = sorted(Path(fer_tui_samples.run_path()).glob("*.safetensors"))[:2]
    cache = str(tmp_path_factory.mktemp("cache"))
    settings = Settings(device="cpu", limit=ROWS, cache=cache, weights=tuple(map(str, run)))
    with open_session(settings) as session:
        yield session.engine()


@pytest.fixture
def planned(engine: Engine) -> Planned:
    def made(method: str, given: dict[str, object] | None = None, **axes: object) -> Plan:
        description = plugins.description(plugins.load(method))
        values = parse_parameters(method, description.parameters, given or {})
        asked = Asked(method, values, **axes)  # type: ignore[arg-type]
        assert Asked.from_dict(asked.to_dict()) == asked
        guessed = np.arange(ROWS, dtype=np.int32) % 7
        return Plan(asked, description, engine, np.arange(ROWS), lambda checkpoint: guessed + checkpoint - 1)

    return made


def chunks(plan: Plan, size: int) -> list[Chunk]:
    return [plan.chunk(number, size) for number in range(plan.count(size))]


def test_every_place_comes_once_whatever_the_size_of_a_chunk(planned: Planned, engine: Engine) -> None:
    plan = planned("cam", {"variant": "grad"}, targets="all", layers="all", checkpoints="all")
    layers = [each.name for each in engine.classifier.layers if each.filters]
    wanted = {
        Place(row, target, layer, None, checkpoint)
        for checkpoint in (0, 1)
        for layer in layers
        for row in range(ROWS)
        for target in range(len(engine.classifier.classes))
    }
    assert plan.total == len(wanted)
    for size in (1, 8, 64):
        places = [place for chunk in chunks(plan, size) for place in chunk.places]
        assert len(places) == len(wanted) and set(places) == wanted
    for chunk in chunks(plan, 8):  # one network and one layer at a time; all targets of an image together
        assert len({(place.checkpoint, place.layer) for place in chunk.places}) == 1
        assert len(chunk) == 7 * len(set(chunk.rows)) and Chunk.from_dict(chunk.to_dict()) == chunk


def test_targets(planned: Planned, engine: Engine) -> None:
    assert engine.dataset is not None
    predicted = planned("saliency", checkpoints=(1, 0)).chunk(0, ROWS), planned("saliency").chunk(0, ROWS)
    assert predicted[0].checkpoint == 1 and predicted[0].targets == tuple(row % 7 for row in range(ROWS))
    first = planned("saliency", checkpoints=(0,)).chunk(0, ROWS)  # a class that is not known is left to the worker
    assert first.targets[:2] == (None, 0)
    assert planned("saliency", targets="true").chunk(0, ROWS).targets == tuple(engine.dataset.labels.tolist())
    assert set(planned("saliency", targets=4).chunk(0, ROWS).targets) == {4}


@pytest.mark.parametrize(
    ("method", "given"),
    [("saliency", {}), ("saliency", {"score": "loss"}), ("cam", {"variant": "gap-fit"}), ("cam", {"variant": "eigen"})],
)
def test_keys_are_those_of_the_engine(planned: Planned, engine: Engine, method: str, given: dict[str, object]) -> None:
    assert engine.dataset is not None
    engine.dataset.image_digests(range(ROWS))
    plan = planned(method, given, checkpoints=(1,))
    chunk = plan.chunk(0, ROWS)
    keys = [engine.task(method, place, plan.asked.parameters).key() for place in chunk.places]
    assert plan.keys(chunk) == keys and len(set(keys)) == ROWS


def test_without_images_there_is_one_place_for_each_filter(planned: Planned, engine: Engine) -> None:
    layer = next(each for each in engine.classifier.layers if each.filters)
    plan = planned("filter-ascent", layers=(layer.name,), filters="all")
    assert plan.total == layer.filters
    assert [chunk.filter for chunk in chunks(plan, 16)] == list(range(layer.filters))
    assert plan.keys(plan.chunk(3, 16)) == [engine.task("filter-ascent", Place(None, None, layer.name, 3), {}).key()]
    assert planned("confusion").total == 1


@pytest.mark.parametrize(
    ("method", "given", "axes", "said"),
    [
        ("saliency", {}, {"layers": ("features",)}, "--layers features: saliency does not depend on the layer"),
        ("saliency", {"score": "loss"}, {"targets": "all"}, "--targets all: saliency does not depend on the target"),
        ("confusion", {}, {"where": "wrong"}, "--where wrong: confusion does not depend on the image"),
        ("cam", {"variant": "grad"}, {"layers": ("nonsense",)}, "layer nonsense"),
        ("filter-ascent", {}, {"filters": (1,)}, "--filters 1: of which layers?"),
        ("filter-ascent", {"view": "class"}, {"targets": "true"}, "--targets true"),
        ("cam", {}, {"checkpoints": (5,)}, "--checkpoints 5: there is no such checkpoint (there are 0 to 1)"),
    ],
)
def test_what_makes_no_sense_is_told(
    planned: Planned, method: str, given: dict[str, object], axes: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError) as told:
        planned(method, given, **axes)
    assert said in str(told.value)


def test_what_a_run_makes_by_the_way_is_kept_as_its_own_images(engine: Engine, tmp_path: Path) -> None:
    """LIME explains all classes in one run: of another image than the first one, too, they go under that one's keys."""
    with closing(Store.open(tmp_path)) as store:
        kept = Engine(engine.classifier, engine.dataset, store)
        given = {"samples": 40}
        list(kept.explain_many("lime", [Place(0, 1), Place(4, 2)], given))
        (found,) = kept.explain("lime", Place(4, 5), given)  # from the store: one result
        *_, made = engine.explain("lime", Place(4, 5), given, fresh=True)
        assert isinstance(found.explanation, Heatmap) and isinstance(made.explanation, Heatmap)
        np.testing.assert_allclose(found.explanation.values, made.explanation.values, atol=1e-6)
