"""The explorer's compute process with explainers that misbehave: they are told and marked, and all else goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fer_tui import plugins
from fer_tui.contract import Place
from fer_tui.engine import Compute, Settings
from fer_tui.engine.messages import Described, Done, Failed, Lost
from fer_tui.oversight import Faults
from tests.heard import Heard

HERE = Place(image=2)


@pytest.fixture
def settings(installed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    monkeypatch.syspath_prepend(str(installed))
    monkeypatch.setenv("PYTHONPATH", str(installed))
    monkeypatch.setenv("FER_TUI_DISABLE_PLUGINS", "badimports,!bad_crashing")
    return Settings(device="cpu", cache=str(tmp_path))


async def test_all_goes_on_around_them(settings: Settings) -> None:
    heard, faults = Heard(), Faults.open()
    compute = Compute(settings, heard.receive, work_limit=2.0)
    running = asyncio.create_task(compute.run())

    async def failure(method: str) -> Failed:
        job = compute.explain(method, {}, HERE)
        return await heard.wait(Failed, lambda m: m.job == job)

    async def works(method: str) -> None:
        job = compute.explain(method, {}, HERE)
        assert not (await heard.wait(Done, lambda m: m.job == job)).cancelled

    try:
        described = await heard.wait(Described, lambda m: not m.remembered)
        assert (
            "explainer bad_crashing (badimports 2.0): left out: the compute process was ended by SIGSEGV"
            in (described.failed["bad_crashing"])
        )
        assert {"saliency", "fine"} <= {each.name for each in described.explainers}

        lost = sum(isinstance(each, Lost) for each in heard.messages)

        innocent = compute.predict()
        failed = await failure("crashes")
        assert failed.fault == "explainer crashes (roguekit 1.0): the compute process was ended by SIGSEGV"
        again = await failure("crashes")
        assert again.fault.endswith("crashes (roguekit 1.0): it has ended the compute process 2 times: left out")
        await heard.wait(Done, lambda m: m.job == innocent)  # it was under way twice, and is not to blame
        assert sum(isinstance(each, Lost) for each in heard.messages) == lost + 2
        await works("saliency")
    finally:
        await compute.close()
        await asyncio.wait_for(running, 10)
    known = {each.name: [(f.what, f.fatal) for f in Faults.open().of(each)] for each in plugins.origins()}
    assert known["bad_crashing"] == [("the compute process was ended by SIGSEGV", True)]
    assert not known["saliency"] and known["crashes"][0][1]
    assert faults.left_out(plugins.origins) == {}  # once is not often


def test_faults_are_kept_by_version_counted_and_forgotten(tmp_path: Path) -> None:
    from fer_tui.oversight import Origin

    path, one, two = tmp_path / "state" / "plugins.json", Origin("x", "kit", "1.0"), Origin("x", "kit", "1.1")
    for _ in range(2):
        Faults(path).keep(one, "hung\x1b", "import", fatal=True)
    (fault,) = Faults(path).of(one)
    assert (fault.what, fault.times) == (r"hung\x1b", 2) and "2 times" in str(fault)
    assert "--forget x" in Faults(path).left_out(lambda: [one])["x"]
    assert Faults(path).of(two) == () and Faults(path).left_out(lambda: [two]) == {}
    for number in range(9):
        Faults(path).keep(two, f"fault {number}", "explain")
    assert [each.what for each in Faults(path).of(two)] == [f"fault {number}" for number in range(4, 9)]
    assert Faults(path).forget(["y"]) == () and Faults(path).forget() == ("x",) and Faults(path).of(two) == ()


def test_marks_are_found_however_the_stream_is_cut() -> None:
    from fer_tui.oversight import Lookout
    from fer_tui.oversight.marks import mark

    stream = b"house\n" + mark(at=["x", "kit", "1.0"], doing="explain") + b"one\x00two\x00<three" + mark(at=None)
    stream += mark(told=["x", "kit", "1.0"], fault="left", stops=False) + b"\x00" + mark(done=3)
    for size in (1, 2, 3, 7, len(stream)):
        lookout, told = Lookout(), []
        for start in range(0, len(stream), size):
            told += [each.fault for each in lookout.feed(stream[start : start + size])]
        assert told == ["left"] and lookout.ended == 3 and lookout.work is None
        assert lookout.printed()["x (kit 1.0)"].startswith("one\x00two") and lookout.last_words().startswith("house\n")
