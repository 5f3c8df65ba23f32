"""Which class in the Python files near a checkpoint are its weights of?"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from fer_tui.contract import InputError
from fer_tui.specs import importable, load_named, user_code

from .checkpoints import input_channels, output_count
from .matching import matched
from .sources import modules_in, python_files
from .untouched import same_randomness
from .weights import State

_TRIED = 20
# What the arguments are called that tell a class how many outputs or channels to make.
_OUTPUTS = ("num_classes", "n_classes", "classes", "num_class", "nb_classes", "num_labels", "n_class", "num_outputs")
_CHANNELS = ("in_channels", "in_chans", "input_channels", "num_channels", "n_channels", "channels")


@dataclass(frozen=True)
class Candidate:
    """A class or function that may make the network of some weights.

    spec: `file.py:Name`. named: the share of the weights' top-level names that its source sets. fits: built with
    `arguments`, it takes the weights without rest. fault: why it does not ('' where it was not tried).
    """

    spec: str
    named: float
    arguments: Mapping[str, Any] = field(default_factory=dict)
    fits: bool = False
    fault: str = ""


def find_architectures(
    folder: str | Path, state: Mapping[str, torch.Tensor | tuple[int, ...]], run: bool = True
) -> list[Candidate]:
    """Classes near `folder` (there, in the current folder, one level below both) for `state`, the likeliest first.

    state: tensors or their shapes. Files are read, not run, to find classes that set the weights' names; with `run`
    those few are imported, built and tried. That runs the user's own files: a face asks before.
    """
    shaped = {
        name: value if isinstance(value, torch.Tensor) else torch.empty(value, device="meta")
        for name, value in state.items()
    }
    tops = _top_names(shaped)
    found = [
        Candidate(f"{path}:{name}", len(tops & attributes) / len(tops))
        for path in python_files(Path(folder))
        for name, attributes in modules_in(path).items()
    ]
    likely = sorted((each for each in found if each.named >= 0.5), key=lambda each: -each.named)
    if run:
        likely = [*(_attempted(each, shaped) for each in likely[:_TRIED]), *likely[_TRIED:]]
    return sorted(likely, key=lambda each: (not each.fits, -each.named))


def _top_names(state: State) -> set[str]:
    """The first parts of the names, under the wrappers (module., model., net., ...) that all entries share."""
    names = list(state)
    while len({name.partition(".")[0] for name in names}) == 1 and all(name.count(".") > 1 for name in names):
        names = [name.partition(".")[2] for name in names]
    return {name.partition(".")[0] for name in names}


def _attempted(candidate: Candidate, state: State) -> Candidate:
    fault = "wants arguments that are not known"
    try:
        with same_randomness():
            maker = load_named(candidate.spec, "model", modules_in)
        for arguments in _arguments(maker, state):
            with importable(candidate.spec), user_code(candidate.spec), same_randomness(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                module = maker(**arguments)
            if not isinstance(module, nn.Module):
                return replace(candidate, fault="makes no nn.Module")
            match = matched(state, module)
            if match.fits:
                return replace(candidate, arguments=arguments, fits=True)
            counts = (len(match.missing), len(match.left_over), len(match.reshaped))
            fault = "{} entries missing, {} left over, {} of another shape".format(*counts)
    except InputError as error:
        fault = str(error)
    return replace(candidate, fault=fault)


def _arguments(maker: Callable[..., Any], state: State) -> Iterator[dict[str, Any]]:
    """Arguments to try: what must be given, then outputs and channels as the weights have them."""
    try:
        parameters = inspect.signature(maker).parameters
    except (TypeError, ValueError):
        yield {}
        return
    known = {name: output_count(state) for name in _OUTPUTS} | {name: input_channels(state) for name in _CHANNELS}
    named = {name: value for name, value in known.items() if name in parameters and value is not None}
    wanted = {
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }
    least = {name: value for name, value in named.items() if name in wanted}
    if wanted <= named.keys():
        yield least
        if named != least:
            yield named
