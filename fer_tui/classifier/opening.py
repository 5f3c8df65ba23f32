"""Open a classifier: from a live module, from a file and weights, or the bundled one."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin

from fer_tui.contract import InputError, nearest
from fer_tui.specs import importable, load_named, user_code

from .checkpoints import input_channels, output_count
from .classifier import TorchClassifier
from .device import choose_device
from .fitting import FITS
from .formats import refuse_archives, sniffed
from .matching import fitting_state, load, matched
from .names import names_in, parse_classes, placeholder
from .outputs import Output
from .preprocessing import Preprocessing
from .probing import Trial, tried
from .runs import Watch, snapshots
from .series import Series
from .sources import modules_in
from .untouched import same_randomness
from .weights import Checkpoint, State, read_checkpoint

Model = nn.Module | Callable[..., nn.Module] | str | None
Weights = str | Path | Sequence[str | Path]
_WIDEST = 16.0  # that a weights file may make a bundled network


def open_classifier(
    model: Model = None,
    weights: Weights | None = None,
    *,
    model_args: Mapping[str, Any] | None = None,
    weights_key: str | None = None,
    mean: float | Sequence[float] = 0.0,
    std: float | Sequence[float] = 1.0,
    equalise: bool = False,
    transform: str | Callable[..., Any] | None = None,
    fit: str = "stretch",
    size: tuple[int, int] | None = None,
    size_hint: tuple[int, int] | None = None,
    output: str | Output | None = None,
    classes: Sequence[str] | str | Path | None = None,
    device: str = "auto",
    trust: bool = False,
) -> TorchClassifier:
    """A classifier; InputError names what does not fit, and the mend.

    model: a live module, a class, `file.py:Class`, `pkg.mod:factory`, a bundled network's name, or None (bundled).
    weights: a file; several files, a folder or a pattern such as `run/*.pt` (the checkpoint axis); None (the module's
    own). size: (height, width) of the input;
    size_hint: the pictures' own size, used where the network does not say. A live module is never moved or changed.
    """
    given = _paths(weights) or _shipped(model)
    run = snapshots(given)
    paths = run.paths
    prepared = _prepared(mean, std, equalise, transform, fit, size)
    head = _function(output, "output")
    checkpoint = read_checkpoint(paths[run.default], trust) if paths else None
    for path in paths:
        refuse_archives(path, sniffed(path))
    with same_randomness():
        source = _built(model, dict(model_args or {}), checkpoint, weights_key)
    (module, target), notes = _placed(source, device, checkpoint is not None), source.notes
    if checkpoint is not None:
        key, match = fitting_state(checkpoint, weights_key, module, source.name)
        load(module, match.state)
        notes += _told(checkpoint, key, match.outside)
    elif not source.live:
        notes += (f"no weights were named: the network is as {source.name} makes it",)
    if not source.live:
        module = module.to(target).eval()
    trial = tried(module, source.name, prepared, head, size, size_hint, target)
    told = parse_classes(classes) if classes else None
    names, assumed, said = _names(told, checkpoint, module, trial.outputs)
    series = None
    if paths:
        blueprint = module if paths == given and len(paths) == 1 else copy.deepcopy(module).cpu()
        series = Series(paths, weights_key, source.name, blueprint, Watch(given, paths), run.default, trust)
    return TorchClassifier(
        module,
        name=source.name,
        device=target,
        preprocessing=trial.preprocessing,
        layers=trial.layers,
        classes=names,
        classes_assumed=assumed,
        output=head,
        notes=(*run.notes, *notes, *_found(trial), *said),
        series=series,
    )


@dataclass(frozen=True)
class _Source:
    """A network as built. live: the user's own object."""

    module: nn.Module
    name: str
    live: bool = False
    notes: tuple[str, ...] = ()


def _placed(source: _Source, device: str, loaded: bool) -> tuple[nn.Module, torch.device]:
    """What is to be run, and where. A live module is copied where it would be moved, or weights be loaded into it."""
    module = source.module
    if not source.live:
        return module, choose_device(device)
    if not loaded and any(isinstance(each, LazyModuleMixin) for each in module.modules()):
        raise InputError(f"model {source.name}", "its lazy layers have no weights yet", "run it on a batch before")
    home = next((each.device for each in module.parameters()), torch.device("cpu"))
    target = home if device == "auto" else choose_device(device)
    if loaded or target != home:
        with user_code(f"model {source.name}", "it cannot be copied; give the class and the weights file"):
            module = copy.deepcopy(module).to(target)
    return module, target


def _built(model: Model, arguments: dict[str, Any], checkpoint: Checkpoint | None, key: str | None) -> _Source:
    if isinstance(model, nn.Module):
        return _live(model, arguments)
    if model is None or (isinstance(model, str) and ":" not in model and not model.endswith(".py")):
        return _bundled(model, arguments, checkpoint, key)
    maker = load_named(model, "model", modules_in) if isinstance(model, str) else model
    name = model.rpartition(":")[2] if isinstance(model, str) else getattr(model, "__name__", type(model).__name__)
    spec = model if isinstance(model, str) else name
    if isinstance(maker, nn.Module):
        return _Source(_live(maker, arguments).module, name)
    if not callable(maker):
        fault = f"is of type {type(maker).__name__}, not a class or function"
        raise InputError(f"model {spec}", fault, "name an nn.Module class")
    _check_arguments(spec, maker, arguments)
    with importable(spec), user_code(f"model {spec}"):
        made = maker(**arguments)
    if not isinstance(made, nn.Module):
        raise InputError(f"model {spec}", f"made something of type {type(made).__name__}, not an nn.Module")
    return _Source(_unwrapped(made), name)


def _live(model: nn.Module, arguments: Mapping[str, Any]) -> _Source:
    if arguments:
        raise InputError("model arguments", "a module that is built already takes none")
    module = _unwrapped(model)
    return _Source(module, type(module).__name__, live=True)


def _unwrapped(module: nn.Module) -> nn.Module:
    """The network inside DataParallel, DistributedDataParallel and torch.compile."""
    while True:
        inner = getattr(module, "_orig_mod", None)
        if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = module.module
        if not isinstance(inner, nn.Module):
            break
        module = inner
    if isinstance(module, torch.jit.ScriptModule):
        fault = "is TorchScript, which is refused: its layers cannot be hooked"
        raise InputError(f"model {type(module).__name__}", fault, "give the Python module that it was made from")
    return module


def _bundled(model: str | None, arguments: dict[str, Any], checkpoint: Checkpoint | None, key: str | None) -> _Source:
    from .networks import NETWORKS

    if model is not None and model not in NETWORKS:
        fault = f"there is no bundled network of that name{nearest(model, NETWORKS)}"
        raise InputError(f"model {model}", fault, f"bundled: {', '.join(NETWORKS)}; your own is file.py:Class")
    makers = {model: NETWORKS[model]} if model is not None else dict(NETWORKS)
    assert checkpoint is not None  # `_shipped` stands in where none was given
    state = checkpoint.state(key)[1]
    told = _told_arguments(checkpoint, state)
    for name, maker in makers.items():
        _check_arguments(name, maker, arguments)
        taken = inspect.signature(maker).parameters
        module = maker(**{name: value for name, value in told.items() if name in taken} | arguments)
        if model is not None or matched(state, module).fits:
            return _Source(module, name)
    mend = f"give --model file.py:Class; `fer-tui init {checkpoint.path}` looks for it"
    raise InputError(checkpoint.path, f"these weights fit no bundled network ({', '.join(NETWORKS)})", mend)


def _told_arguments(checkpoint: Checkpoint, state: State) -> dict[str, Any]:
    """How a bundled network was made, as its tensors tell and, where that makes sense, its weights file says."""
    told: dict[str, Any] = {"classes": output_count(state), "channels": input_channels(state)}
    size, width = (checkpoint.facts.get(f"arguments.{name}") for name in ("size", "width"))
    if (
        isinstance(size, list | tuple)
        and len(size) == 2
        and all(isinstance(side, int) and 0 < side < 4096 for side in size)
    ):
        told["size"] = size
    if isinstance(width, int | float) and 0 < width <= _WIDEST:
        told["width"] = width
    return {name: value for name, value in told.items() if value is not None}


def _shipped(model: Model) -> tuple[Path, ...]:
    """The weights that lie beside the bundled network `model`; none for a network of the user's own."""
    if model is not None and (not isinstance(model, str) or ":" in model or model.endswith(".py")):
        return ()
    import fer_tui_samples

    from .networks import NETWORKS

    return (Path(fer_tui_samples.weights_path(*[model] if model in NETWORKS else [])),)


def _paths(weights: Weights | None) -> tuple[Path, ...]:
    if weights is None:
        return ()
    given = [weights] if isinstance(weights, str | Path) else weights
    return tuple(Path(each).expanduser() for each in given)


def _check_arguments(model: str, maker: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    """InputError where `maker` does not take `arguments`, or wants more."""
    try:
        signature = inspect.signature(maker)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(**arguments)
    except TypeError as error:
        unknown = [name for name in arguments if name not in signature.parameters]
        hint = nearest(unknown[0], signature.parameters) if unknown else ""
        mend = f"it takes {signature}; give them with --model-arg name=value"
        raise InputError(f"model {model}", f"{error}{hint}", mend) from None


def _function(given: str | Callable[..., Any] | None, what: str) -> Callable[..., Any] | None:
    if given is None:
        return None
    found = load_named(given, what) if isinstance(given, str) else given
    if inspect.isclass(found):  # such as a class of transforms without arguments
        with user_code(f"{what} {given}"):
            found = found()
    if not callable(found):
        raise InputError(f"{what} {given}", f"is of type {type(found).__name__}, not a function")
    return cast(Callable[..., Any], found)


def _prepared(
    mean: float | Sequence[float],
    std: float | Sequence[float],
    equalise: bool,
    transform: str | Callable[..., Any] | None,
    fit: str,
    size: tuple[int, int] | None,
) -> Preprocessing:
    """The preprocessing that was asked for; its shape is not known yet."""
    means, stds = _numbers(mean, "mean"), _numbers(std, "std")
    if any(value <= 0 for value in stds):
        raise InputError("std", f"{min(stds):g} is not above 0")
    if fit not in FITS:
        raise InputError("fit", f"{fit!r} is none of {', '.join(FITS)}{nearest(str(fit), FITS)}")
    if size is not None and (len(size) != 2 or not all(isinstance(side, int) and 0 < side <= 4096 for side in size)):
        raise InputError("size", f"{size} is not (height, width) of 1 to 4096 pixels")
    function = _function(transform, "transform")
    if function is not None and (any(means) or any(value != 1 for value in stds)):
        raise InputError("transform", "it replaces mean and std, and they were given too", "leave one of them out")
    return Preprocessing((0, 0, 0), means, stds, equalise, function, fit)


def _numbers(given: float | Sequence[float], what: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(each) for each in (given if isinstance(given, Sequence) else (given,)))
    except (TypeError, ValueError):
        raise InputError(what, f"{given!r} is no number, nor one for each channel") from None
    if not numbers or not all(map(math.isfinite, numbers)):
        raise InputError(what, f"{given!r} is no finite number, nor one for each channel")
    return numbers


def _names(
    given: tuple[str, ...] | None, checkpoint: Checkpoint | None, module: nn.Module, outputs: int
) -> tuple[tuple[str, ...], bool, tuple[str, ...]]:
    """Class names, whether they were assumed, and notes."""
    if outputs < 2:
        raise InputError(
            "the model", "gives one number for a picture", "make class scores of it with output=file.py:function"
        )
    if given is not None:
        if len(given) != outputs:
            fault = f"{len(given)} for a network of {outputs} outputs"
            raise InputError("classes", fault, "name one for each output, in their order")
        return given, False, ()
    config = getattr(module, "config", None)
    told = names_in(checkpoint.facts if checkpoint else {}) or names_in(
        {
            name: getattr(owner, name, None)
            for owner in (module, config)
            for name in ("class_to_idx", "classes", "id2label")
        }
    )
    if told and len(told[1]) == outputs and not told[1][0].startswith("LABEL_"):
        return told[1], False, (f"class names from {told[0]} of the checkpoint",) if checkpoint else ()
    notes = (f"the checkpoint names {len(told[1])} classes, the network has {outputs} outputs",) if told else ()
    return placeholder(outputs), True, notes


def _told(checkpoint: Checkpoint, key: str, outside: tuple[str, ...]) -> tuple[str, ...]:
    notes = [f"weights taken from {key} of {checkpoint.path.name}"] if key else []
    if len(others := [name for name in checkpoint.states if name != key]):
        notes.append(f"{checkpoint.path.name} also holds weights under {', '.join(others[:4])}")
    if outside:
        notes.append(f"{len(outside)} entries beside the network left out ({', '.join(outside[:3])})")
    return tuple(notes)


def _found(trial: Trial) -> tuple[str, ...]:
    channels, height, width = trial.preprocessing.shape
    told = {
        "the model": "as the model says",
        "the pictures": "the size of the pictures",
        "candidate": "found by trying sizes",
    }
    notes = list(trial.notes)
    if trial.size_from in told:
        notes.append(f"input {channels}×{height}×{width}, {told[trial.size_from]}")
    if trial.softmax:
        notes.append(f"the network ends in a {trial.softmax}: its scores are not logits")
    return tuple(notes)
