"""fer-tui init: looks at a checkpoint and data, guesses, asks, and writes fer-tui.toml."""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_tui.contract import InputError, plain
from fer_tui.engine.settings import Settings

from . import flags, project, streams
from .layers import FILE_NAME
from .progress import Narrator
from .questions import Questions

if TYPE_CHECKING:
    from fer_tui.classifier import Candidate, CheckpointReport, TorchClassifier
    from fer_tui.dataset import MappedDataset

    from .trials import Trial

EXAMPLES = (
    "fer-tui init net.pt --data fer2013.csv --split PublicTest",
    "fer-tui init run/last.ckpt --model nets.py:Net --yes -o run/fer-tui.toml",
)


@dataclass
class _Draft:
    """The settings as far as they are known. given: by flags, so not guessed. reasons: for the file's comments."""

    settings: Settings
    given: frozenset[str]
    reasons: dict[str, str] = field(default_factory=dict)

    def set(self, reason: str, **values: Any) -> None:
        self.settings = dataclasses.replace(self.settings, **values)
        self.reasons[next(iter(values))] = reason


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", metavar="CHECKPOINT", type=Path, help="a weights file")
    group = parser.add_argument_group("how to go about it")
    group.add_argument("-o", metavar="FILE", dest="out", type=Path, default=Path(FILE_NAME), help="what to write")
    group.add_argument("--yes", action="store_true", help="take every guess, ask nothing")
    group.add_argument("--force", action="store_true", help="write over a file that is there")
    group.add_argument("--trust", action="store_true", help="convert a pickle that torch refuses, to safetensors")
    flags.add_settings(parser, json=False)


def run(arguments: argparse.Namespace) -> int:
    given = flags.given_settings(arguments)
    out: Path = arguments.out
    if "weights" in given:
        raise flags.UsageError("error: init takes the weights as CHECKPOINT, not as --weights")
    if "others" in given:
        raise flags.UsageError("error: init looks at one network, and several --model are given")
    if out.exists() and not arguments.force:
        raise InputError(out, "is there already", "--force writes over it, -o names another file")
    if not out.parent.is_dir():
        raise InputError(out, f"there is no folder {out.parent}")
    questions = Questions(arguments.yes)
    with Narrator() as tell:
        tell("reading the checkpoint")
        from fer_tui.classifier import inspect_checkpoint

        report = inspect_checkpoint(arguments.checkpoint, trust=arguments.trust)
    if report.refused:
        report = _converted(report, arguments.trust, arguments.force, questions)
    draft = _Draft(Settings(**{**given, "weights": (str(report.path),)}), frozenset(given))
    draft.reasons["weights"] = _of(report)
    dataset = _opened(draft.settings) if draft.settings.data is not None else None
    _tell_report(report)
    _find_weights_key(draft, report)
    _find_model(draft, report, questions)
    if dataset is None:
        dataset = _asked_for_data(draft, questions)
    if dataset is not None:
        _tell_data(draft, dataset)
    if report.classes and not draft.settings.classes:
        draft.set("as the checkpoint names them", classes=report.classes)
    with Narrator() as tell:
        tell("opening the network")
        network = _network(draft.settings, dataset)
    streams.say(
        f"input {'x'.join(map(str, network.input_shape))} (channels, height, width), {len(network.layers)} layers"
    )
    if not draft.settings.classes:
        whose = "assumed; correct them where they are wrong" if network.classes_assumed else "as the data name them"
        draft.set(whose, classes=network.classes)
    streams.say(f"classes: {', '.join(network.classes)}")
    _find_preprocessing(draft, report, dataset, questions)
    text = project.toml(draft.settings, out.parent, draft.reasons)
    if not questions.confirm(f"write {out}?"):
        streams.say("nothing is written")
        return 0
    project.write(out, text)
    config = "" if out == Path(FILE_NAME) else f" --config {out}"
    streams.say(f"written: {out}; try it with: fer-tui evaluate{config}; explore with: fer-tui open{config}")
    return 0


def _converted(report: CheckpointReport, trust: bool, force: bool, questions: Questions) -> CheckpointReport:
    """The report of a safetensors file made from a refused pickle, if that is wanted."""
    from fer_tui.classifier import convert_checkpoint, inspect_checkpoint

    names = ", ".join(report.refused[:6]) + (f" and {len(report.refused) - 6} more" if len(report.refused) > 6 else "")
    if not trust:
        fault = f"is a pickle that could run code, so it was not opened; it names {names}"
        raise InputError(report.path, fault, "--trust converts its tensors, without running what it names")
    target = report.path.with_suffix(".safetensors")
    streams.say(f"{report.path} is a pickle that names {names}: none of it is run, its tensors are read")
    if target.exists() and not force:
        raise InputError(target, "is there already", "--force writes over it, or give it as CHECKPOINT")
    if not questions.confirm(f"write its tensors to {target}?"):
        raise InputError(report.path, "cannot be opened as it is")
    return inspect_checkpoint(convert_checkpoint(report.path, target))


def _network(settings: Settings, dataset: MappedDataset | None) -> TorchClassifier:
    """The network of the draft. InputError where it is of no class that is known."""
    from fer_tui.engine.session import open_network

    try:
        return open_network(settings, dataset)
    except InputError as error:
        if settings.model is not None or error.where != plain(settings.weights[0]):
            raise
        mend = "no class in the Python files near it does: name it by --model file.py:Class or pkg.module:function"
        raise InputError(error.where, error.fault, mend) from None


def _of(report: CheckpointReport) -> str:
    return f"{report.format}, {report.parameters:,} parameters, {' and '.join(report.dtypes)}"


def _tell_report(report: CheckpointReport) -> None:
    streams.say(f"{report.path}: {_of(report)}")
    if report.key and report.format != "safetensors":
        streams.say(f"weights under {report.key}" + (f", of {', '.join(report.keys)}" if len(report.keys) > 1 else ""))
    if report.channels is not None and report.outputs is not None:
        streams.say(f"{report.channels} channel{'s' * (report.channels != 1)} in, {report.outputs} outputs")
    for name, value in report.facts.items():
        streams.say(f"it says {name} = {value}")


def _find_weights_key(draft: _Draft, report: CheckpointReport) -> None:
    if len(report.keys) > 1 and draft.settings.weights_key is None:
        draft.set(
            f"of {', '.join(name or '(the file itself)' for name in report.keys)}", weights_key=report.key or None
        )


def _find_model(draft: _Draft, report: CheckpointReport, questions: Questions) -> None:
    """The class that the weights are of: bundled, or found in Python files nearby."""
    if "model" in draft.given:
        return
    from fer_tui.classifier import find_architectures

    folder = report.path.parent
    likely = find_architectures(folder, report.shapes, run=False)
    files = list(dict.fromkeys(candidate.spec.rpartition(":")[0] for candidate in likely))
    if likely and questions.confirm(f"import {', '.join(map(_near, files))} to try the weights on what is in there?"):
        likely = find_architectures(folder, report.shapes, run=True)
    fitting = [candidate for candidate in likely if candidate.fits]
    if fitting:
        chosen = fitting[questions.choose("which of them is it?", [_described(each) for each in fitting])]
        draft.set("its layers take these weights, strictly", model=_near(chosen.spec))
        if chosen.arguments and "model_args" not in draft.given:
            draft.set("as the weights' shapes ask for", model_args=dict(chosen.arguments))
        streams.say(f"model: {_described(chosen)}")
        return
    for candidate in likely[:5]:
        streams.say(f"{_near(candidate.spec)}: {candidate.fault or 'not tried'}")
    spec = questions.text("model (file.py:Class; nothing: the bundled network)", "")
    if spec:
        draft.set("as given", model=spec)


def _described(candidate: Candidate) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in candidate.arguments.items())
    return _near(candidate.spec) + (f"({arguments})" if arguments else "")


def _near(path: str) -> str:
    """A path told from this folder, where it lies below it."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


def _opened(settings: Settings) -> MappedDataset:
    from fer_tui.engine.session import open_data

    with Narrator() as tell:
        return open_data(settings, tell)


def _asked_for_data(draft: _Draft, questions: Questions) -> MappedDataset | None:
    """The data that are named now; None: the bundled samples."""
    named = questions.text("data to explore (nothing: the bundled samples)", "")
    if not named:
        return None
    draft.set("as given", data=named)
    return _opened(draft.settings)


def _tell_data(draft: _Draft, dataset: MappedDataset) -> None:
    labelled = int((dataset.labels >= 0).sum())
    draft.reasons["data"] = f"{len(dataset)} rows, {labelled} with a label"
    streams.say(f"{draft.settings.data}: {draft.reasons['data']}")
    for note in dataset.notes:
        streams.say(note)


def _find_preprocessing(
    draft: _Draft, report: CheckpointReport, dataset: MappedDataset | None, questions: Questions
) -> None:
    """mean and std by trial, where neither they nor a transform were given."""
    if draft.given & {"mean", "std", "transform"}:
        return
    if dataset is None:
        draft.set("not tried: no data was given", mean=draft.settings.mean, std=draft.settings.std)
        return
    from fer_tui.classifier import normalisations

    from .trials import try_preprocessings

    with Narrator() as tell:
        trials = try_preprocessings(draft.settings, dataset, normalisations(report.path.parent), tell)
    if not trials:
        draft.set("not tried: the data has no labels", mean=draft.settings.mean, std=draft.settings.std)
        return
    for trial in trials:
        streams.say(f"accuracy {trial.accuracy:.3f} on {trial.rows} rows with {_told(trial)}")
    best = trials[questions.choose("which preprocessing?", [_told(trial) for trial in trials])]
    rest = "; ".join(f"{each.preprocessing.name} {each.accuracy:.3f}" for each in trials if each is not best)
    draft.set(
        f"{best.preprocessing.name}: accuracy {best.accuracy:.3f} on {best.rows} rows; {rest}",
        mean=best.preprocessing.mean,
        std=best.preprocessing.std,
    )
    draft.reasons["std"] = "tried together with mean"
    if best.accuracy < 2 / max(2, len(draft.settings.classes)):
        streams.say(
            "that is hardly better than chance: are the classes in the network's order, and the data the right kind?"
        )


def _told(trial: Trial) -> str:
    mean, std = (
        ", ".join(f"{number:g}" for number in numbers)
        for numbers in (trial.preprocessing.mean, trial.preprocessing.std)
    )
    return plain(f"{trial.preprocessing.name} (mean {mean}, std {std})")
