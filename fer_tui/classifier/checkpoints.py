"""Look at a checkpoint before it is opened, and convert one that torch refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fer_tui.contract import InputError
from fer_tui.writing import write_whole

from .formats import Format, refuse_archives, sniffed
from .names import names_in
from .pickles import foreign_globals
from .weights import State, read_checkpoint

_TELLING = ("epoch", "step", "acc", "loss", "score", "arch", "model_name", "version", "f1", "size", "mean", "std")
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")  # of batch norm: not trained


@dataclass(frozen=True, kw_only=True)
class CheckpointReport:
    """What a weights file holds, as plain data.

    key: the dotted key of the likeliest weights ('' where the file is nothing else), keys: all that hold weights.
    shapes: their entries. parameters: trained numbers. channels, outputs: of the first convolution, the last layer.
    facts: epoch, accuracy and the like. refused: what the pickle names, where torch would not open it (else empty).
    """

    path: Path
    format: Format
    size: int
    key: str = ""
    keys: tuple[str, ...] = ()
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    dtypes: tuple[str, ...] = ()
    parameters: int = 0
    channels: int | None = None
    outputs: int | None = None
    classes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    refused: tuple[str, ...] = ()

    @property
    def opened(self) -> bool:
        """Whether the weights could be read; if not, only path, format, size and `refused` say something."""
        return bool(self.shapes)


def inspect_checkpoint(path: str | Path, trust: bool = False) -> CheckpointReport:
    """What the file holds; nothing of it is run. InputError where it is no weights file, or an archive with a program.

    A pickle that torch refuses is reported with what it names, and is read on (with stand-ins for that) under `trust`.
    """
    path = Path(path).expanduser()
    kind = sniffed(path)
    refuse_archives(path, kind)
    size = path.stat().st_size
    refused = () if kind is Format.SAFETENSORS else foreign_globals(path, kind)
    if (refused or kind is Format.PICKLE) and not trust:
        return CheckpointReport(path=path, format=kind, size=size, refused=refused or ("pickle",))
    checkpoint = read_checkpoint(path, trust=trust and (bool(refused) or kind is Format.PICKLE))
    key, state = checkpoint.state()
    named = names_in(checkpoint.facts)
    return CheckpointReport(
        path=path,
        format=kind,
        size=size,
        key=key,
        keys=tuple(checkpoint.states),
        shapes={name: tuple(tensor.shape) for name, tensor in state.items()},
        dtypes=tuple(sorted({str(tensor.dtype).removeprefix("torch.") for tensor in state.values()})),
        parameters=sum(tensor.numel() for name, tensor in state.items() if not name.endswith(_STATISTICS)),
        channels=input_channels(state),
        outputs=output_count(state),
        classes=named[1] if named else (),
        facts={key: value for key, value in checkpoint.facts.items() if _tells(key, value)},
        refused=refused,
    )


def convert_checkpoint(path: str | Path, out: str | Path, key: str | None = None) -> Path:
    """Write the weights of a checkpoint, refused or not, as .safetensors to `out`, atomically, for one who consented.

    No code that a pickle names is run even so: unknown objects are read as empty stand-ins, and only tensors are kept
    (with class names, epoch and the like as metadata). InputError where no weights come out.
    """
    from safetensors.torch import save

    checkpoint = read_checkpoint(Path(path).expanduser(), trust=True)
    state = {name: tensor.detach().contiguous().clone() for name, tensor in checkpoint.state(key)[1].items()}
    facts = {name: value for name, value in checkpoint.facts.items() if _tells(name, value)}
    named = names_in(checkpoint.facts)
    if named:
        facts["classes"] = list(named[1])
    data = save(state, {name: json.dumps(value) for name, value in facts.items()} or None)
    return _written(Path(out).expanduser(), data)


def input_channels(state: State) -> int | None:
    """The channels of the picture, from the convolutions; safetensors keeps no order, and depthwise ones have 1."""
    given = [int(tensor.shape[1]) for tensor in state.values() if tensor.ndim == 4]
    return next((count for count in (3, 1) if count in given), given[0] if given else None)


def output_count(state: State) -> int | None:
    """The number of outputs: the rows of the last matrix (else convolution) that no other one takes as its input."""
    matrices = [tensor for tensor in state.values() if tensor.ndim == 2]
    layers = matrices or [tensor for tensor in state.values() if tensor.ndim == 4]
    taken = {int(tensor.shape[1]) for tensor in layers}
    rows = [int(tensor.shape[0]) for tensor in layers]
    return next((count for count in reversed(rows) if count not in taken), rows[-1] if rows else None)


def _tells(key: str, value: Any) -> bool:
    short = isinstance(value, int | float | bool) or (isinstance(value, str) and len(value) <= 80)
    numbers = (
        isinstance(value, list | tuple) and len(value) <= 4 and all(isinstance(each, int | float) for each in value)
    )
    return (short or numbers) and any(word in key.rpartition(".")[2].lower() for word in _TELLING)


def _written(path: Path, data: bytes) -> Path:
    try:
        write_whole(path, data)
    except OSError as error:
        raise InputError(path, f"cannot be written: {error.strerror}", "name a file in a folder of your own") from error
    return path
