"""Methods and variants answer to the names that the literature has for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import fer_tui
import fer_tui_samples
from fer_tui import plugins
from fer_tui.cli import main
from fer_tui.contract import Description, Heatmap, InputError, Place, PluginError
from fer_tui.engine import Engine, Store, open_session
from fer_tui.engine.settings import Settings

Install = Callable[[str, str, dict[str, str]], None]
KIT = """
from dataclasses import dataclass
from fer_tui.contract import Axis, Explainer, Parameters, parameter
@dataclass(frozen=True, kw_only=True)
class GoodParameters(Parameters):
    depth: int = parameter(1, "depth", low=1, high=9)
    view: str = parameter("near", "view", choices=("near", "far"))
class Good(Explainer):
    name, title, help, version, kind = "good", "Good", "Does well.", "3", "heatmap"
    axes = frozenset({Axis.IMAGE, Axis.CHECKPOINT})
    aliases = {"deep far": {"depth": 7, "view": "far"}, "telescope": {"view": "far"}}
    Parameters = GoodParameters
    def explain(self, subject, parameters):
        yield
"""


@pytest.mark.parametrize(
    ("name", "method", "variant"),
    [
        ("gradcam", "cam", "grad"), ("grad-cam", "cam", "grad"), ("Grad_CAM", "cam", "grad"),
        ("gradcam++", "cam", "grad++"), ("scorecam", "cam", "score"), ("guided-grad-cam", "cam", "guided-grad-cam"),
        ("ig", "saliency", "integrated"), ("IG", "saliency", "integrated"), ("SmoothGrad", "saliency", "smoothgrad"),
        ("integrated gradients", "saliency", "integrated"), ("guided-backprop", "saliency", "guided"),
    ],
)  # fmt: skip
def test_names_of_the_literature(name: str, method: str, variant: str) -> None:
    assert plugins.resolve(name) == (method, {"variant": variant})


def test_every_alias_means_something_and_none_hides_another() -> None:
    described = [plugins.description(plugins.load(name)) for name in plugins.names()]
    bare = [
        "".join(char for char in alias.casefold() if char not in "-_ ") for each in described for alias in each.aliases
    ]
    assert len(bare) == len(set(bare)) > 15
    for each in described:
        assert Description.from_dict(json.loads(json.dumps(each.to_dict()))) == each
        infos = {info.name: info for info in each.parameters}
        for alias, values in each.aliases.items():
            assert plugins.resolve(alias) == (each.name, values) or alias in plugins.names()
            for key, value in values.items():
                assert infos[key].parse(value) == value and infos[key].parse(alias) == value
    saliency = next(each for each in described if each.name == "saliency")
    assert "integrated-gradients" in saliency.listed_aliases and "ig" not in saliency.listed_aliases


def test_an_alias_is_the_long_form_down_to_the_key(tmp_path: Path) -> None:
    with open_session(Settings(device="cpu", cache=str(tmp_path), limit=7)) as session:
        engine = session.engine()
        long = engine.task("saliency", Place(image=3), {"variant": "integrated", "steps": 5})
        for method, parameters in (("ig", {"steps": "5"}), ("saliency", {"variant": "IG", "steps": 5})):
            assert engine.task(method, Place(image=3), parameters).key() == long.key()
        assert engine.task("saliency", Place(image=3), {"steps": 5}).key() != long.key()
        assert engine.task("ig", Place(image=3), {"variant": "integrated", "steps": 5}).key() == long.key()
        with pytest.raises(InputError, match="ig is saliency with variant=integrated, and variant=guided is given"):
            engine.task("ig", Place(image=3), {"variant": "guided"})
    dataset = fer_tui.open_dataset(fer_tui_samples.faces_path())
    classifier = fer_tui.open_classifier(weights=fer_tui_samples.weights_path(), device="cpu")
    made = fer_tui.explain("gradcam", classifier, dataset[3].image, target=3)
    expected = fer_tui.explain("cam", classifier, dataset[3].image, target=3, variant="grad")
    (batch,) = fer_tui.explain_many("grad-cam", classifier, [dataset[3].image], [3])
    assert isinstance(made, Heatmap) and isinstance(expected, Heatmap) and isinstance(batch, Heatmap)
    assert np.array_equal(made.values, expected.values) and np.allclose(batch.values, expected.values, atol=1e-5)
    assert made.meta["explainer"] == "cam" and made.meta["parameters"]["variant"] == "grad"
    store = Store.open(tmp_path / "other")
    list(Engine(classifier, dataset, store).explain("gradcam", Place(image=3, target=3)))
    assert store.usage().by_method.keys() == {"cam"}
    store.close()


def test_aliases_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    def shown(*words: str) -> dict[str, object]:
        assert main(["explain", *words, "--image", "3", "--limit", "7", "--json"]) == 0
        return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]

    long = shown("cam", "-p", "variant=grad")
    for words in (["gradcam"], ["cam", "-p", "variant=gradcam"], ["grad-cam", "-p", "variant=grad"]):
        again = shown(*words)
        assert (again["digests"], again["meta"]) == (
            long["digests"],
            long["meta"],
        )  # also the seconds: it is the stored one
    assert main(["explain", "gradcm"]) == 2
    assert "method gradcm: there is no such explainer; did you mean grad-cam?" in capsys.readouterr().err
    assert main(["explain", "saliency", "-p", "variant=smoothgard"]) == 2
    assert "did you mean smoothgrad?" in capsys.readouterr().err

    assert main(["plugins", "gradcam"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("cam ") and "variant=grad++" in out and "xgrad-cam" in out
    assert main(["plugins"]) == 0
    assert any(line.startswith("aliases of saliency: gradient, ") for line in capsys.readouterr().out.splitlines())

    assert main(["check", "--methods", "gradcam,ig", "--samples", "1", "--limit", "7", "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {each["method"] for each in findings} == {"gradcam", "ig"}
    assert main(["check", "--methods", "saliency,gradcm"]) == 2
    assert "did you mean grad-cam?" in capsys.readouterr().err


def test_a_package_brings_aliases(install: Install, tmp_path: Path) -> None:
    install("goodkit", KIT, {"good": "goodkit:Good"})
    assert plugins.resolve("deep-far") == ("good", {"depth": 7, "view": "far"})
    assert plugins.remembered()["good"].aliases["telescope"] == {
        "view": "far"
    }  # learnt by looking, kept for the next time
    described = plugins.description(plugins.load("good"))
    view = next(info for info in described.parameters if info.name == "view")
    assert view.aliases == {"telescope": "far"} and view.parse("Telescope") == "far"
    with pytest.raises(InputError, match="did you mean telescope"):
        plugins.resolve("telescop")
    with pytest.raises(InputError, match="did you mean telescope"):
        view.parse("telescop")


def test_an_alias_of_no_value_is_a_fault_of_the_plugin(install: Install) -> None:
    install("badkit", KIT.replace('"view": "far"}}', '"view": "fra"}}'), {"good": "badkit:Good"})
    with pytest.raises(PluginError, match="alias telescope: 'fra' is no value of view"):
        plugins.load("good")
