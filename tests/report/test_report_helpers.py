"""The parts of a report that other processes make, and what is taken up again: neither shows in its files."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from fer_tui.cli.report import _regions
from fer_tui.engine import Engine, Settings, open_session
from fer_tui.report import Asked, Made, crew, made, making
from fer_tui.report.crew import Crew
from fer_tui.report.parts import Part

from .conftest import CLASSES, Planted


def settings_of(planted: Planted, cache: Path) -> Settings:
    at = planted.folder
    return Settings(
        data=str(at / "faces.npz"), model=f"{at / 'net.py'}:Mouth", weights=(str(at / "Mouth.safetensors"),),
        classes=CLASSES, device="cpu", cache=str(cache),
    )  # fmt: skip


def files_of(planted: Planted, cache: Path) -> dict[str, bytes]:
    """A report's files, from what the store in `cache` has and what this process makes."""
    settings = settings_of(planted, cache)
    asked = Asked(regions=str(planted.folder / "masks.npz"))
    with open_session(settings) as session:
        *_, last = made(session, asked, _regions(asked.regions, settings.data, session))
    assert isinstance(last, Made)
    return last.files


def engine_of(settings: Settings) -> Engine:
    assert settings.cache is not None
    with open_session(settings) as session:
        return making.steady_engine(session.classifier, session.dataset, Path(settings.cache))


@pytest.fixture(scope="module")
def alone(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], list[Part]]:
    """The files that one process makes, and the parts that it would have left to others."""
    offered: list[Part] = []

    class Listed(Crew):
        def offer(self, engine: Engine, parts: Iterable[Part]) -> None:
            offered.extend(parts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "Crew", Listed)
        return files_of(planted, tmp_path_factory.mktemp("alone")), offered


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """One idle core, and work that is worth another process at once."""
    monkeypatch.setattr(crew, "idle_cores", lambda: 1)
    monkeypatch.setattr(crew, "_WORTH", -1.0)


def test_what_another_process_makes_is_the_same_to_the_byte(
    planted: Planted, alone: tuple[dict[str, bytes], list[Part]], idle: None, tmp_path: Path
) -> None:
    files, parts = alone
    settings = settings_of(planted, tmp_path)
    engine = engine_of(settings)
    assert {part.kind for part in parts} == {"scores", "judged", "maps"} and len(set(parts)) == len(parts) > 30
    with closing(Crew(settings, tmp_path)) as others:
        others.offer(engine, parts)
        assert list(others.claim(parts[0])) == []
        end = time.monotonic() + 90
        while others.helped < len(parts) - 1:
            assert time.monotonic() < end, f"{others.helped} of {len(parts)} parts"
            time.sleep(0.05)
    assert not parts[0].is_done(engine) and all(part.is_done(engine) for part in parts[1:])
    assert files_of(planted, tmp_path) == files


def test_a_process_that_cannot_help_leaves_all_to_this_one(planted: Planted, idle: None, tmp_path: Path) -> None:
    settings = settings_of(planted, tmp_path)
    lost = dataclasses.replace(settings, weights=(str(tmp_path / "none.pt"),))
    parts = [Part("maps", (row,), None, "saliency", (0,), (("seed", 0),)) for row in range(4)]
    with closing(Crew(lost, tmp_path)) as others:
        others.offer(engine_of(settings), parts)
        end, waited = time.monotonic() + 90, 0
        assert list(others.claim(parts[0])) == []
        while parts[3] not in others._taken:
            assert time.monotonic() < end
        for part in reversed(parts[1:]):
            for _ in others.claim(part):
                assert time.monotonic() < end
                waited += 1
        assert others.helped == 0 and waited


def test_a_report_that_was_interrupted_ends_as_the_same_to_the_byte(
    planted: Planted, alone: tuple[dict[str, bytes], list[Part]], tmp_path: Path
) -> None:
    files, parts = alone
    engine = engine_of(settings_of(planted, tmp_path))
    for part in (parts[1], next(part for part in parts if part.kind == "maps" and len(part.rows) > 40), parts[-1]):
        with closing(part.explained(engine)) as half:
            for _ in range(min(3, len(part.rows))):
                next(half)
        assert part.is_done(engine) == (len(part.rows) == 1 and part.kind == "maps")
    assert files_of(planted, tmp_path) == files
    assert files_of(planted, tmp_path) == files  # from the store
