"""The folder of a run: run.json, a snapshot an epoch, and what is needed to go on."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch
from torch import nn

from fer_tui.contract import InputError
from fer_tui.writing import PART, whole, write_whole

RUN, RESUME = "run.json", "resume.pt"
FORMAT, VERSION = "fer-tui-run", 1


@dataclass
class Run:
    """A run's record, as run.json has it, and its files; see docs/training.md for the keys."""

    folder: Path
    record: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def at(cls, folder: Path) -> Run:
        """The run in `folder`, with an empty record where none has begun; InputError where something else is there."""
        if folder.exists() and not folder.is_dir():
            raise InputError(folder, "is a file", "name a folder for the run")
        path = folder / RUN
        if path.is_file():
            try:
                record = json.loads(path.read_text("utf-8"))
                if record["format"] != FORMAT:
                    raise ValueError(f"its format is {record['format']}")
                if record["version"] > VERSION:
                    raise ValueError(f"it is of version {record['version']}, this is {VERSION}")
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(path, f"is no record of a run: {error}", "name another folder") from None
            return cls(folder, record)
        if folder.is_dir() and any(not each.name.endswith(PART) for each in folder.iterdir()):
            raise InputError(folder, "holds other things and no run", "name a new folder")
        return cls(folder)

    @property
    def epochs(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.record["epochs"]
        return entries

    def begin(self, record: Mapping[str, Any]) -> None:
        """Start a record, or go on with the one that is there; InputError where that is of another training."""
        known = self.record
        for key in ("settings", "network", "classes", "input", "data") if known else ():
            if known.get(key) != (told := json.loads(json.dumps(record[key]))):
                raise InputError(self.folder, f"holds a run with other {_difference(key, known.get(key), told)}",
                                 "name another folder, or give the same flags to go on")  # fmt: skip
        self.folder.mkdir(parents=True, exist_ok=True)
        for left in self.folder.glob(f"*{PART}"):
            left.unlink()
        if not known:
            head = {"format": FORMAT, "version": VERSION, "state": "running", "started": _now(), "updated": _now()}
            self.record = {**head, "seconds": 0.0, **record, "epochs": [], "best": None}
        self.record["environment"] = record["environment"]

    def write(self, state: str | None = None, seconds: float | None = None) -> None:
        """Write run.json."""
        self.record["updated"] = _now()
        if state is not None:
            self.record["state"] = state
        if seconds is not None:
            self.record["seconds"] = round(seconds, 3)
        text = json.dumps(_strict(self.record), indent=1, allow_nan=False)
        write_whole(self.folder / RUN, text.encode(), durable=True)

    def rewind(self, epoch: int) -> None:
        """Forget epochs after `epoch`: they are trained again."""
        self.record["epochs"] = [each for each in self.epochs if each["epoch"] <= epoch]
        self._find_best()

    def add(self, entry: dict[str, Any], module: nn.Module, keep: bool) -> None:
        """Enter an epoch, with a snapshot of `module` where it is kept or is the best so far."""
        self.epochs.append(entry)
        before = self.record["best"]
        self._find_best()
        best: bool = self.record["best"] != before
        entry["snapshot"] = entry["digest"] = None
        if keep or best:
            self._keep(entry, module)

    def keep_last(self, module: nn.Module) -> None:
        """A snapshot of the last epoch, where it has none: the time may be up just after it."""
        if self.epochs and self.epochs[-1]["snapshot"] is None:
            self._keep(self.epochs[-1], module)

    def _keep(self, entry: dict[str, Any], module: nn.Module) -> None:
        name = f"epoch-{entry['epoch']:04d}.safetensors"
        accuracy = entry["validation"]["accuracy"] if entry["validation"] else None
        data = self._packed(module, {"epoch": entry["epoch"], **({"accuracy": accuracy} if accuracy else {})})
        write_whole(self.folder / name, data, durable=True)
        entry["snapshot"], entry["digest"] = name, blake2b(data, digest_size=16).hexdigest()

    def _find_best(self) -> None:
        measured = [each for each in self.epochs if each["validation"] and each["epoch"]]
        best = max(measured, key=lambda each: each["validation"]["accuracy"], default=None)
        accuracy = best and best["validation"]["accuracy"]
        self.record["best"] = best and {"epoch": best["epoch"], "accuracy": accuracy}

    def _packed(self, module: nn.Module, facts: Mapping[str, Any]) -> bytes:
        record = self.record
        settings = {"input_shape": record["input"]["shape"]} | {key: record["input"][key] for key in ("mean", "std")}
        told = {"classes": record["classes"], "settings": settings, "arguments": record["network"]["arguments"]}
        return packed(module, record["network"]["model"], {**told, **facts})


def packed(module: nn.Module, network: str, facts: Mapping[str, Any]) -> bytes:
    """A module's weights in half precision as safetensors, with what is needed to use them as metadata."""
    from safetensors.torch import save

    tensors = {
        name: (each.half() if each.is_floating_point() else each).detach().cpu().contiguous()
        for name, each in module.state_dict().items()
    }
    data = save(tensors, {"format": "pt", "network": network} | {key: json.dumps(text) for key, text in facts.items()})
    return _ordered(data)


def _ordered(data: bytes) -> bytes:
    """The same safetensors file with its header sorted: the library writes metadata in another order each time."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8:end]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data[end:]


def save_resume(folder: Path, state: Mapping[str, Any]) -> None:
    """Keep what is needed to go on."""
    with whole(folder / RESUME, durable=True) as file:
        torch.save(dict(state), file)


def load_resume(folder: Path) -> dict[str, Any] | None:
    """What was kept, None where nothing was; no code in it is run."""
    path = folder / RESUME
    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged file makes a parser raise
        raise InputError(path, "is damaged", "delete it: the run begins anew") from error
    return state


def _difference(key: str, known: Any, told: Any) -> str:
    """Where two records differ, in words."""
    if isinstance(known, dict) and isinstance(told, dict):
        for name in [*known, *told]:
            if known.get(name) != told.get(name):
                return _difference(name, known.get(name), told.get(name))
    return f"{key} ({_short(known)}, not {_short(told)})"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _strict(value: Any) -> Any:
    """JSON has no number that is not finite: None stands for it."""
    if isinstance(value, Mapping):
        return {str(key): _strict(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_strict(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
