"""Sections of explainers by others: what they show, recomputed; what they do wrong stops nothing."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fer_tui
from fer_tui.cli import main
from fer_tui.cli.guests import guests_of
from fer_tui.contract import Heatmap
from fer_tui.engine.settings import Settings
from fer_tui.regions import regions_of
from fer_tui.regions.shares import focus
from fer_tui.report import crew
from fer_tui.report.crew import _answer
from fer_tui.tui.reporting import words_for

from .conftest import CLASSES, MOUTH, Planted

BAD = """
import os
import numpy as np
from fer_tui.contract import Axis, Explainer, Gallery, Heatmap, Parameters, Result


class Fails(Explainer[Parameters]):
    name = title = "fails"
    help = "Works once."
    version, kind, cost = "1", "heatmap", "slow"
    axes = frozenset({Axis.IMAGE, Axis.CHECKPOINT})

    def explain(self, subject, parameters):
        if subject.place.image != 51:
            self.end()
        image = subject.classifier.shown(subject.image)
        yield Result(subject.place, Heatmap(values=image.astype(np.float32), image=image), True, 1.0)

    def end(self):
        raise ZeroDivisionError("by [bold]nothing")


class Ends(Fails):
    name = title = "ends"

    def end(self):
        os._exit(3)


class Strips(Explainer[Parameters]):
    name = "strips"
    title = "Strips & <b>"
    help = "Columns of an image."
    version, kind = "1", "gallery"
    axes = frozenset({Axis.IMAGE, Axis.TARGET})

    def explain(self, subject, parameters):
        images = np.moveaxis(subject.image.astype(np.float32), 1, 0)[:, None]
        names = tuple(f"the column with the number {number}" for number in range(len(images)))
        yield Result(subject.place, Gallery(images=images, captions=names, scores=images.mean((1, 2)), marked=(2,)))
"""


@pytest.fixture
def kits(foreign: None, tmp_path: Path, install: Callable[[str, str, dict[str, str]], None]) -> None:
    install("badkit", BAD, {name: f"badkit:{name.title()}" for name in ("fails", "ends", "strips")})


def test_a_section_for_each_and_the_rest_as_it_was(
    kits: None, planted: Planted, report_cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    words = ["report", *planted.flags()]
    alone, out = tmp_path / "alone", tmp_path / "out"
    named = ["--with", "tiles:tiles=2,blend=yes", "--with", "guesses", "--with", "fails", "--with", "strips"]
    assert main([*words, "--cache", report_cache, "-o", str(alone)]) == 0
    assert main([*words, "--cache", report_cache, "-o", str(out), *named]) == 0
    assert "5. Tiles [bold] (tiles=2, blend=true)" in capsys.readouterr().out
    same = {each.name for each in alone.iterdir()} - {"report.html", "report.md", "report.json", "manifest.json"}
    assert all((out / name).read_bytes() == (alone / name).read_bytes() for name in same)
    more = {each.name for each in out.iterdir()} - {each.name for each in alone.iterdir()}
    assert more == {
        *(f"with_tiles_{k}{end}" for k in range(3) for end in (".jpg", ".tiles.csv")), "with_tiles_mean.jpg",
        "with_guesses_0.jpg", "with_fails_0.jpg", *(f"with_strips_{k}.jpg" for k in range(3)),
    }  # fmt: skip
    told = json.loads((out / "report.json").read_text())
    _numbers_hold(planted, told)
    with (out / "with_tiles_1.tiles.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0][:3] == ["row", "column", "fall (score)"] and len(rows) == 5
    page = (out / "report.html").read_text()
    assert "8. Strips &amp; &lt;b&gt;" in page and page.count("<img ") == len(list(out.glob("*.jpg")))
    assert page.index("5. Tiles [bold]") < page.index("6. Guesses") < page.index("7. fails")
    with Image.open(out / "with_strips_0.jpg") as picture:
        assert picture.width > 900  # in columns as wide as their captions
    shown = {each["name"]: each for each in told["with"]}
    assert shown["tiles:tiles=2,blend=true"]["parameters"] == {"tiles": 2, "blend": True}
    assert shown["fails"]["fault"] == "explainer fails (badkit 1.0): ZeroDivisionError: by [bold]nothing"
    assert "It failed: what it had made until then is shown. explainer fails (badkit 1.0)" in page
    assert json.loads((out / "manifest.json").read_text())["versions"]["foreignkit"] == "1.0"

    monkeypatch.setattr(crew, "idle_cores", lambda: 1)
    monkeypatch.setattr(crew, "_WORTH", -1.0)
    assert main([*words, "--cache", str(tmp_path / "fresh"), "--verify", str(out)]) == 0
    assert "byte by byte" in capsys.readouterr().out  # also what another process has made


def _numbers_hold(planted: Planted, told: dict[str, object]) -> None:
    """Focus and agreement of `tiles`, from its maps by Python."""
    at, key = planted.folder, "tiles:tiles=2,blend=true"
    classifier = fer_tui.open_classifier(
        f"{at / 'net.py'}:Mouth", str(at / "Mouth.safetensors"), size=(16, 16), classes=CLASSES, device="cpu"
    )
    images, predicted = list(planted.images), classifier.predict(list(planted.images)).argmax(1).tolist()
    made = {
        "saliency": fer_tui.explain_many("saliency", classifier, images, predicted),
        key: fer_tui.explain_many("tiles", classifier, images, predicted, tiles=2, blend=True),
    }
    masks = regions_of({"mouth": MOUTH})
    shares = [focus(each, masks).absolute[0] for each in made[key] if isinstance(each, Heatmap)]
    group = told["focus"][key]["whole"]["every"]  # type: ignore[index]
    assert group["images"] == 60
    (mouth,) = (each for each in group["regions"] if each["name"] == "mouth")
    assert mouth["absolute"]["value"] == pytest.approx(np.mean(shares), abs=1e-5)
    (found,) = (each for each in told["agreement"] if each["methods"] == ["saliency", key])  # type: ignore[attr-defined]
    seen, same = set(), []
    for row in _drawn(planted):
        one, two = (_ranks(np.abs(each[row].values)) for each in made.values())  # type: ignore[union-attr]
        if planted.labels[row] in seen:
            same.append(np.corrcoef(one, two)[0, 1])
        seen.add(planted.labels[row])
    assert found["images"] == len(same) and found["same"] == pytest.approx(np.mean(same), abs=1e-4)
    for each in told["shown"]:  # type: ignore[attr-defined]
        assert set(each["trust"]) == {"saliency", "cam", "lime", key} | ({"fails"} if each["row"] == 51 else set())


def _drawn(planted: Planted) -> list[int]:
    """The rows whose maps are averaged, class by class in the order of the seed."""
    orders = ([0, index] for index in range(3))
    drawn = (
        np.random.default_rng(seed).permutation(np.flatnonzero(planted.labels == seed[1])).tolist() for seed in orders
    )
    return [row for rows in drawn for row in rows]


def _ranks(values: np.ndarray) -> np.ndarray:
    """Mean ranks of ties."""
    flat = values.ravel()
    return np.array([(flat < each).sum() + (flat == each).sum() / 2 for each in flat])


def test_one_that_ends_the_process_is_left_out_and_said(
    kits: None, planted: Planted, report_cache: str, tmp_path: Path
) -> None:
    words = [*planted.flags(), "--cache", report_cache, "--with", "ends", "-o", str(tmp_path / "out"), "--json"]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "fer_tui", "report", *words],
        env={**os.environ, "FER_TUI_STATE": str(tmp_path / "state")}, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (told,) = json.loads((tmp_path / "out" / "report.json").read_text())["with"]
    assert told["fault"] == "explainer ends (badkit 1.0): left out: the process was ended with code 3"
    assert told["title"] == "ends" and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tils"], "did you mean tiles?"),
        (["lime"], "the report has a section of lime anyway"),
        (["tiles:tiles=99"], "99 is outside 1 to 16"),
        (["tiles", "tiles:tiles=4"], "is named twice"),  # 4 is the default
        (["tiles:tiles"], "'tiles' is not key=value"),
        (['tiles:remark="a, b" c'], "b\" c' is not key=value"),
        (["tiles:tiles=2,tiles=3"], "tiles is given twice"),
    ],
)
def test_what_is_wrong_is_one_line(
    kits: None, words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [word for each in words for word in ("--with", each)]
    assert main(["report", "-o", str(tmp_path / "out"), *given]) == 2
    error = capsys.readouterr().err
    assert said in error and len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("given", "remark"),
    [
        ('tiles:remark="small, dark",tiles=2', "small, dark"),
        ('tiles:tiles=2,remark="say ""a, b"""', 'say "a, b"'),
        ('tiles:tiles=2,remark=5" wide', '5" wide'),
        ('tiles:remark="""",tiles=2', '"'),
    ],
)
def test_a_value_may_have_commas(foreign: None, given: str, remark: str) -> None:
    (found,) = guests_of([given], Settings())
    assert dict(found.parameters) == {"tiles": 2, "remark": remark}
    assert guests_of([str(found)], Settings()) == (found,)
    assert guests_of(None, Settings(report_with=(given,))) == (found,)


def test_the_file_of_settings_names_them_and_the_explorer_hands_them_on(
    kits: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "fer-tui.toml"
    file.write_text('report-with = ["tiles:tiles=2", "tils"]\n')
    assert main(["report", "-o", str(tmp_path / "out"), "--config", str(file)]) == 2
    assert "did you mean tiles?" in capsys.readouterr().err
    assert main(["config", "check", "--config", str(file)]) == 1
    assert capsys.readouterr().out.startswith(
        "report-with: tils: method tils: there is no such explainer; did you mean"
    )
    settings = Settings(report_with=("tiles:tiles=2", "gradcam"))
    assert Settings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings
    words = words_for(settings, tmp_path, [], 0)
    assert words[words.index("--with") :] == ["--with", "tiles:tiles=2", "--with", "gradcam"]


def test_a_helper_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_TUI_PLUGIN_LIMIT", "0.3")
    code = "import time\nprint('at it', flush=True)\ntime.sleep(600)"
    began = time.monotonic()
    with subprocess.Popen([sys.executable, "-S", "-c", code], stdout=subprocess.PIPE) as process:
        assert _answer(process) == b""
    assert time.monotonic() - began < 60
