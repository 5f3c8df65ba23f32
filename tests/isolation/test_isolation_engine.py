"""Faults of explainers that do not end the process: each told with name, distribution and version, each undone."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from fer_tui import plugins
from fer_tui.contract import Place, PluginError
from fer_tui.engine import Engine, Session, Settings, open_session

HERE = Place(image=2)


@pytest.fixture
def session(installed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Session]:
    monkeypatch.syspath_prepend(str(installed))
    monkeypatch.setenv("FER_TUI_DISABLE_PLUGINS", "badimports")
    with open_session(Settings(device="cpu", cache=str(tmp_path))) as session:
        yield session
    sys.modules.pop("roguekit", None)


def values(engine: Engine, method: str) -> np.ndarray:
    *_, last = engine.explain(method, HERE, fresh=True)
    return last.explanation.values  # type: ignore[attr-defined,no-any-return]


def test_each_is_told_in_one_line_and_the_next_one_works(session: Session) -> None:
    engine = session.engine()
    clean = values(engine, "saliency")
    for name, said in {
        "constructor": r"ValueError: no instance\x1b[2J of it",
        "middle": r"RuntimeError: in the\nmiddle",
        "leaves": "SystemExit: enough",
        "shape": "its map is 3 x 3 where the network's input is 48 x 48",
        "tensor": "ValueError: Heatmap.values must be float32 (H, W)",
        "kind": "it yielded a Gallery, no Result with a Heatmap",
        "nothing": "it yielded a dict, no Result with a Heatmap",
        "nan": "none of its 2,304 values is finite",
        "huge": "its heatmap has 4 GiB of arrays, at most 256 MiB may be",
        "meta": "its meta is no plain data: object is no plain data",
        "future": "it wants contract 7, this fer-tui has 1: upgrade fer-tui",
        "mute": "KeyError: 'title'",
        "odd": "describe() returned dict, no Description",
    }.items():
        with pytest.raises(PluginError) as told:
            values(engine, name)
        assert str(told.value) == f"explainer {name} (roguekit 1.0): {said}"
    np.testing.assert_array_equal(values(engine, "saliency"), clean)
    assert session.store is not None and session.store.own is not None
    assert session.store.own.usage().by_method.keys() <= {"saliency", "scores"}


def test_what_is_not_finite_is_a_note(session: Session) -> None:
    with pytest.warns(
        RuntimeWarning, match=r"explainer spotted \(roguekit 1.0\): 3 of its 2,304 values are not finite"
    ):
        *_, last = session.engine().explain("spotted", HERE)
    assert last.explanation.notes == ("3 of its 2,304 values are not finite",)


def test_what_is_left_behind_is_undone_and_told(session: Session) -> None:
    engine, module = session.engine(), session.classifier.at(0).module
    clean, weights = values(engine, "saliency"), [each.clone() for each in module.parameters()]
    digest = session.classifier.at(0).digest
    torch.manual_seed(7)
    np.random.seed(7)  # another state than the one that it leaves
    random = torch.get_rng_state()
    with pytest.warns(RuntimeWarning) as told:
        values(engine, "litters")
    (line,) = {str(each.message) for each in told if each.category is RuntimeWarning}
    assert line.startswith("explainer litters (roguekit 1.0): it left behind 4 hooks, training mode on ")
    for word in (
        "requires_grad of 1 parameter,",
        ".grad on ",
        "other values in 1 tensor (",
        "random state of torch, NumPy",
    ):
        assert word in line
    assert not module.training and torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(a, b) and a.requires_grad for a, b in zip(module.parameters(), weights, strict=True))
    assert not any(each._backward_hooks for each in module.parameters())
    assert not torch.nn.modules.module._global_forward_hooks
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        np.testing.assert_array_equal(values(engine, "saliency"), clean)
        values(engine, "fine")
    assert session.classifier.at(0).digest == digest


def test_memory_that_is_kept_is_noticed(session: Session) -> None:
    engine = session.engine()
    with pytest.warns(
        RuntimeWarning, match=r"hoards \(roguekit 1.0\): it keeps memory: [234]\d\d MiB more after \d runs"
    ):
        for _ in range(5):
            values(engine, "hoards")
    del plugins.load("hoards").held[:]  # type: ignore[attr-defined]


def test_threads_files_and_processes_that_stay_are_noticed_and_what_stays_once_is_not(session: Session) -> None:
    engine, kit = session.engine(), sys.modules[plugins.load("threads").__module__]
    kinds = {"threads": "threads running: 8", "files": "files open: 16", "children": "processes behind: 4"}
    try:
        for name, said in kinds.items():
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                for _ in range(7):
                    values(engine, name)
            lines = [str(each.message) for each in told if each.category is RuntimeWarning]
            assert lines == [f"explainer {name} (roguekit 1.0): it leaves {said} more after 5 runs"]
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            for _ in range(12):
                values(engine, "thrifty")
    finally:
        kit.Threads.end.set()
        for each in (*kit.Files.held, *(kit.Thrifty.pool[2] if kit.Thrifty.pool else ())):
            each.close()
        for child in kit.Children.held:
            child.kill()
            child.wait()


def test_explainers_are_disabled_by_name_distribution_and_pattern(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    for given, there, aside in [
        ("RogueKit", {"saliency", "bad_newer"}, {"fine"}),
        ("fine, s*", {"crashes", "cam"}, {"fine", "saliency", "shape"}),
        ("*,!fer_tui", {"saliency", "cam"}, {"fine", "bad_newer"}),
        ("roguekit,!fine", {"saliency", "fine"}, {"crashes"}),
    ]:
        monkeypatch.setenv("FER_TUI_DISABLE_PLUGINS", given)
        names, unused = set(plugins.names()), {whose.name for whose in plugins.set_aside()}
        assert there <= names and aside <= unused and not names & unused
    with pytest.raises(plugins.InputError, match=r"explainer crashes \(roguekit 1.0\) is disabled by FER_TUI_DISABLE"):
        plugins.load("crashes")
