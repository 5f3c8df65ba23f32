"""The compute process as the terminal process sees it: real processes, real kills."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from fer_tui.contract import Place
from fer_tui.dataset import map_dataset
from fer_tui.engine import codec
from fer_tui.engine.client import Compute
from fer_tui.engine.messages import (
    Answer,
    ClassifierOpened,
    DatasetOpened,
    Described,
    Done,
    Failed,
    Focused,
    Lost,
    Predictions,
)
from fer_tui.engine.session import open_session
from fer_tui.engine.settings import Settings
from tests.heard import Heard

Install = Callable[[str, str, dict[str, str]], None]


@asynccontextmanager
async def running(settings: Settings, **limits: float) -> AsyncIterator[tuple[Compute, Heard]]:
    heard = Heard()
    compute = Compute(settings, heard.receive, **limits)  # type: ignore[arg-type]
    task = asyncio.create_task(compute.run())
    try:
        yield compute, heard
    finally:
        await compute.close()
        await asyncio.wait_for(task, 10)


async def test_opens_explains_and_predicts_as_in_process(project: Settings) -> None:
    async with running(project) as (compute, heard):
        job = compute.explain("saliency", {}, Place(image=4))  # asked before anything is open
        opened = await heard.wait(DatasetOpened)
        answer = await heard.wait(Answer, lambda m: m.final)
        done = await heard.wait(Done)
        predicting = compute.predict(start=150)
        await heard.wait(Done, lambda m: m.job == predicting)
    with open_session(project) as session:
        engine = session.engine()
        mine = [*engine.explain("saliency", Place(image=4), fresh=True)][-1]
        scores = np.concatenate([part for _, part in engine.scores()])
    assert (answer.job, done) == (job, Done(job))
    assert answer.place == mine.place and answer.key == engine.task("saliency", Place(image=4), {}).key()
    np.testing.assert_array_equal(codec.unpack(answer.blob).values, mine.explanation.values)  # type: ignore[attr-defined]
    mapped = map_dataset(opened.folder, split=opened.split, limit=opened.limit)
    assert len(mapped) == 200 and mapped.image_digest(4) == mine.explanation.meta["digests"]["image"]
    streamed = {p.start: np.frombuffer(p.blob, "<f4").reshape(-1, 3) for p in heard.all(Predictions)}
    np.testing.assert_array_equal(np.concatenate([streamed[start] for start in sorted(streamed)]), scores)
    assert heard.all(ClassifierOpened)[0].digests == (session.classifier.digest,)


async def test_answers_come_one_by_one_and_cancel_stops_them(project: Settings, kit: None) -> None:
    async with running(project) as (compute, heard):
        job = compute.explain("steps", {"steps": 1000, "pause": 0.01}, Place(image=0))
        await heard.wait(Answer, lambda m: m.progress is not None and m.progress >= 0.003)
        compute.cancel(job)
        assert (await heard.wait(Done)).cancelled
        assert not any(answer.final for answer in heard.all(Answer))
        other = compute.explain("steps", {"steps": 3}, Place(image=0))
        await heard.wait(Done, lambda m: m.job == other)
        assert [a.progress for a in heard.all(Answer) if a.job == other] == [1 / 3, 2 / 3, 1.0]


async def test_the_visible_explanation_goes_before_prefetch_and_predictions(project: Settings, kit: None) -> None:
    async with running(project) as (compute, heard):
        ahead = compute.explain("steps", {"steps": 1000, "pause": 0.01}, Place(image=1), urgent=False)
        await heard.wait(Answer, lambda m: m.job == ahead)
        seen = compute.explain("steps", {"steps": 2}, Place(image=2))
        assert (await heard.wait(Done, lambda m: m.job == ahead)).cancelled
        assert not (await heard.wait(Done, lambda m: m.job == seen)).cancelled


async def test_a_killed_process_is_started_again_and_goes_on(project: Settings, kit: None) -> None:
    async with running(project) as (compute, heard):
        job = compute.explain("steps", {"steps": 30, "pause": 0.1}, Place(image=0))
        await heard.wait(Answer)
        first = compute.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        assert "SIGKILL" in (await heard.wait(Lost)).reason
        await heard.wait(Done, lambda m: m.job == job and not m.cancelled)
        assert compute.pid != first and [a.final for a in heard.all(Answer)].count(True) == 1


async def test_what_is_cancelled_while_the_process_is_lost_is_not_asked_again(project: Settings, kit: None) -> None:
    async with running(project) as (compute, heard):
        job = compute.explain("steps", {"steps": 1000, "pause": 0.01}, Place(image=0))
        await heard.wait(Answer)
        first = compute.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await heard.wait(Lost)
        seen = len(heard.all(Answer))
        compute.cancel(job)
        assert (await heard.wait(Done)).cancelled
        other = compute.explain("steps", {"steps": 3}, Place(image=1))
        await heard.wait(Done, lambda m: m.job == other)
        assert {answer.job for answer in heard.all(Answer)[seen:]} == {other} and len(heard.all(Lost)) == 1


async def test_an_explainer_that_ends_the_process_fails_and_others_live_on(project: Settings, kit: None) -> None:
    async with running(project) as (compute, heard):
        job = compute.explain("dies", {}, Place(image=0))
        assert "SIGSEGV" in (await heard.wait(Failed)).fault
        assert len(heard.all(Lost)) == 2  # tried once more, then told
        other = compute.explain("steps", {}, Place(image=0))
        await heard.wait(Done, lambda m: m.job == other)
        assert not [a for a in heard.all(Answer) if a.job == job]


async def test_a_job_that_does_not_stop_is_ended_with_its_process(project: Settings, kit: None) -> None:
    async with running(project, cancel_limit=0.5) as (compute, heard):
        await heard.wait(Described, lambda m: not m.remembered)
        job = compute.explain("hangs", {}, Place(image=0))
        await asyncio.sleep(0.3)
        compute.cancel(job)
        assert "did not stop" in (await heard.wait(Lost)).reason
        assert await heard.wait(Done, lambda m: m.job == job) == Done(job, cancelled=True)
        other = compute.explain("steps", {}, Place(image=0))
        await heard.wait(Done, lambda m: m.job == other)


@pytest.mark.parametrize(
    ("module", "said"),
    [("import time; time.sleep(3600)", "not imported within 1.5 s"), ("import os; os._exit(3)", "code 3")],
)
async def test_an_import_that_hangs_or_exits_is_left_out(
    project: Settings, kit: None, install: Install, module: str, said: str
) -> None:
    install("badkit", module, {"bad": "badkit:Bad"})
    async with running(project, loading_limit=1.5) as (_, heard):
        described = await heard.wait(Described, lambda m: not m.remembered)
        assert said in described.failed["bad"]
        assert {"steps", "saliency", "confusion"} <= {d.name for d in described.explainers}


async def test_faults_of_explainers_are_told_and_the_module_is_as_it_was(project: Settings, kit: None) -> None:
    async with running(project) as (compute, heard):
        rude = compute.explain("rude", {}, Place(image=0))
        failed = await heard.wait(Failed, lambda m: m.job == rude)
        assert "in the middle" in failed.fault and "\x1b" not in failed.fault and "rude" in failed.fault
        assert 'raise RuntimeError("in the middle' in failed.details
        leaves = compute.explain("exits", {}, Place(image=0))
        assert "SystemExit: enough" in (await heard.wait(Failed, lambda m: m.job == leaves)).fault
        for method, parameters, place, said in [
            ("salency", {}, Place(image=0), "saliency"),
            ("saliency", {"sined": 1}, Place(image=0), "signed"),
            ("saliency", {}, Place(image=200), "199"),
            ("saliency", {}, Place(image=0, target=3), "0 to 2"),
        ]:
            job = compute.explain(method, parameters, place)  # type: ignore[arg-type]
            assert said in (await heard.wait(Failed, lambda m, job=job: m.job == job)).fault  # type: ignore[misc]
        fine = compute.explain("saliency", {}, Place(image=0))
        await heard.wait(Done, lambda m: m.job == fine)
        assert not heard.all(Lost)


async def test_what_cannot_be_opened_is_told_in_one_line(project: Settings, tmp_path: Path) -> None:
    missing = Settings.from_dict({**project.to_dict(), "data": str(tmp_path / "none.npz")})
    async with running(missing) as (_, heard):
        failed = await heard.wait(Failed)
        assert failed.job is None and "none.npz" in failed.fault and "\n" not in failed.fault


async def test_focus_by_class_comes_as_in_process_gives_way_and_can_be_stopped(project: Settings) -> None:
    from fer_tui.engine.focusing import Choice, focus_table
    from fer_tui.regions import named_regions

    await asyncio.to_thread(_masks, Path(str(project.data)).with_name("masks.npz"))
    masks = str(Path(str(project.data)).with_name("masks.npz"))
    async with running(project) as (compute, heard):
        await heard.wait(Described, lambda m: not m.remembered)
        job = compute.focus("saliency", {"variant": "integrated", "steps": 40}, Place(), regions=masks, per_class=50)
        await heard.wait(Focused, lambda m: m.job == job and m.table is not None)
        urgent = compute.explain("saliency", {}, Place(image=3))
        await heard.wait(Done, lambda m: m.job == urgent)
        assert not any(m.job == job for m in heard.all(Done))  # it had to wait, and was not ended
        compute.cancel(job)
        assert (await heard.wait(Done, lambda m: m.job == job)).cancelled
        job = compute.focus("saliency", {}, Place(checkpoint=0), regions=masks, per_class=20)
        await heard.wait(Done, lambda m: m.job == job)
        final = heard.all(Focused)[-1]
        failing = compute.focus("confusion", {}, Place(), regions=masks, per_class=20)
        assert "makes a matrix" in (await heard.wait(Failed, lambda m: m.job == failing)).fault
    with open_session(project) as session:
        steps = focus_table(session.engine(), "saliency", named_regions(masks), Choice(per_class=20))
        *_, (_, expected) = steps
    assert final.progress == 1 and final.table == expected


def _masks(path: Path) -> None:
    np.savez(path, mouth=np.eye(12, 10, dtype=bool), hand=np.tri(12, 10, -6, dtype=bool))
