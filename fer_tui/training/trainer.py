"""Trains a network, and can be interrupted at any moment: what comes after is as if nothing had happened."""

from __future__ import annotations

import platform
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from fer_tui.contract import InputError

from .averaging import Average
from .feeding import Feed
from .material import Material
from .measuring import Measure, measure
from .processes import Processes
from .recipe import Recipe
from .runs import RESUME, Run, load_resume, save_resume
from .schedule import rate_at
from .stepping import Stepper, precision

if TYPE_CHECKING:
    from fer_tui.classifier import TorchClassifier

_IN_STEP = 16  # steps after which the clock waits for the device, where time is limited


@dataclass(frozen=True)
class Step:
    """A step is done: `progress` of the whole training, 0 to 1."""

    epoch: int
    progress: float
    seconds: float


@dataclass(frozen=True)
class Epoch:
    """An epoch is done. loss, accuracy: of augmented pictures while it was trained (None before any training)."""

    number: int
    loss: float | None
    accuracy: float | None
    measured: Measure | None
    best: bool


class Trainer:
    """One training in one folder.

    classifier: a network with fresh weights; it is trained in place. model, arguments: how it was made, for the record.
    teachers: networks whose answers are learned as well. save_every: seconds of training that a kill may cost.
    begun: when the time of `minutes` began (time.monotonic), else now.
    """

    def __init__(
        self,
        classifier: TorchClassifier,
        material: Material,
        recipe: Recipe,
        run: Run,
        *,
        model: str,
        arguments: dict[str, Any],
        teachers: Sequence[TorchClassifier] = (),
        processes: Processes | None = None,
        save_every: float = 30.0,
        begun: float | None = None,
    ) -> None:
        self._recipe, self._run, self._save_every = recipe, run, save_every
        self._processes = processes or Processes()
        if recipe.minutes and self._processes.count > 1:
            raise InputError("minutes", "processes that train together have no clock in common", "give epochs instead")
        device, given = classifier.device, classifier.preprocessing
        module = _channels_last(self._processes.synchronised(classifier.module))
        self._module = module.train().requires_grad_(True)
        self._average = Average(module, recipe.average)
        self._classes = len(classifier.classes)
        self._feed = Feed(material.training, device, given.mean, given.std)
        held = material.validation
        self._held = Feed(held, device, given.mean, given.std) if held is not None and len(held) else None
        judges = [_channels_last(each.module.eval()) for each in teachers]
        self._stepper = Stepper(module, self._average, self._feed, recipe, self._classes, self._processes, judges)
        self._steps = max(1, len(self._feed) // self._stepper.batch)
        self._epoch, self._step, self._seconds, self._rate = 0, 0, 0.0, 0.0
        self._best = (0, 0.0)
        self._order = torch.empty(0, dtype=torch.int64)
        self._saved = self._begun = time.monotonic()
        self._since = self._begun if begun is None else begun
        self._ready = 0.0
        if self._processes.first:
            network = {"model": model, "arguments": arguments}
            run.begin(self._about(classifier, network, material.about, [each.digest for each in teachers]))
            run.write()
        self._processes.wait()
        if not self._processes.first:
            run.record = Run.at(run.folder).record

    def _about(
        self, classifier: TorchClassifier, network: dict[str, Any], data: dict[str, Any], teachers: list[str]
    ) -> dict[str, Any]:
        """What the run's file tells before the first epoch."""
        given = classifier.preprocessing
        return {
            "network": network | {"parameters": sum(each.numel() for each in self._module.parameters())},
            "classes": list(classifier.classes),
            "input": {
                "shape": list(given.shape),
                "mean": list(given.mean),
                "std": list(given.std),
                "fit": given.fit,
                "equalise": given.equalise,
            },
            "settings": self._recipe.to_dict() | {"teachers": teachers},
            "data": data,
            "environment": self._environment(classifier.device),
            "planned": self._recipe.epochs,
        }

    @property
    def run(self) -> Run:
        return self._run

    @property
    def note(self) -> str:
        """Why no CUDA graph could be recorded, '' where none was wanted or one was."""
        return self._stepper.note

    def train(self) -> Generator[Step | Epoch, None, None]:
        """Train to the end, from where the run was interrupted if it was; nothing where it is done already."""
        if self._run.record["state"] in ("done", "stopped early"):
            return
        state = load_resume(self._run.folder)
        if state is not None:
            self._restore(state)
        else:
            torch.manual_seed(self._recipe.seed)
            self._run.record["epochs"] = []
            yield self._ended(0)
        self._saved = self._begun = time.monotonic()
        self._ready = self._elapsed
        try:
            yield from self._epochs()
        except BaseException as error:
            stopped = isinstance(error, GeneratorExit | KeyboardInterrupt)
            self._close("interrupted" if stopped else "failed")
            raise
        if self._processes.first:
            self._run.keep_last(self._average.module)
        self._close("done" if self._late or self._epoch == self._recipe.epochs else "stopped early")
        if self._processes.first:
            (self._run.folder / RESUME).unlink(missing_ok=True)

    def _close(self, state: str) -> None:
        if self._processes.first:
            self._run.write(state, self._elapsed)

    def _epochs(self) -> Generator[Step | Epoch, None, None]:
        while self._epoch < self._recipe.epochs and not self._late and not self._tired:
            if self._step == 0:
                self._order = torch.randperm(len(self._feed))
                self._stepper.sums.zero_()
            yield from self._steps_of_epoch()
            if not self._step:
                return  # the time was up before the first step
            self._epoch += 1
            yield self._ended(self._step)
            self._step = 0
            self._save_if_due()

    def _steps_of_epoch(self) -> Generator[Step, None, None]:
        recipe, total, batch = self._recipe, self._recipe.epochs * self._steps, self._stepper.batch
        order = self._order.to(self._feed.labels.device)
        while self._step < self._steps:
            done = self._epoch * self._steps + self._step
            if recipe.minutes and done % _IN_STEP == 0 and order.is_cuda:
                torch.cuda.synchronize()
            progress = max(done / total, self._clock)
            if progress >= 1:
                return
            self._rate = rate_at(progress, recipe.rate, recipe.warm_up)
            self._stepper.step(order[self._step * batch : (self._step + 1) * batch], done, self._rate)
            self._step += 1
            if self._step < self._steps:
                self._save_if_due()
            yield Step(self._epoch + 1, max((done + 1) / total, self._clock), self._elapsed)

    @property
    def _elapsed(self) -> float:
        """Seconds, over all restarts, with what it took to get ready."""
        return self._seconds + time.monotonic() - self._since

    @property
    def _clock(self) -> float:
        """The share of the time for training that is gone, 0 where there is no limit."""
        if not self._recipe.minutes:
            return 0.0
        left = 60 * self._recipe.minutes - self._ready
        return (self._elapsed - self._ready) / left if left > 0 else 1.0

    @property
    def _late(self) -> bool:
        return self._clock >= 1

    @property
    def _tired(self) -> bool:
        """No better validation accuracy for as long as one is patient; every process finds the same."""
        patience = self._recipe.patience
        return bool(patience and self._held is not None and self._epoch - self._best[0] >= patience)

    def _ended(self, steps: int) -> Epoch:
        """Measure, and enter the epoch into the run; `steps` were trained in it."""
        sums, pictures = self._stepper.sums.clone(), steps * self._stepper.batch
        self._processes.add(sums)
        loss, right = (number / pictures for number in sums.tolist()) if pictures else (None, None)
        measured = None
        if self._held is not None:
            measured = measure(self._average.module, self._held, self._classes, self._processes)
        better = measured is not None and self._epoch > 0 and measured.accuracy > self._best[1]
        if measured is not None and better:
            self._best = self._epoch, measured.accuracy
        if self._processes.first:
            now = time.monotonic()
            entry = {
                "epoch": self._epoch,
                "snapshot": None,
                "digest": None,
                "rate": self._rate,
                "seconds": round(now - self._begun, 3) if pictures else 0.0,
                "train": {"loss": loss, "accuracy": right} if pictures else None,
                "validation": measured.to_dict() if measured is not None else None,
            }
            last = self._epoch == self._recipe.epochs or self._late or self._tired
            keep = last or self._epoch % self._recipe.keep == 0
            self._run.add(entry, self._average.module, keep)
            self._run.write(seconds=self._elapsed)
        self._begun = time.monotonic()
        return Epoch(self._epoch, loss, right, measured, better)

    def _save_if_due(self) -> None:
        if self._processes.first and time.monotonic() - self._saved >= self._save_every:
            save_resume(self._run.folder, self._state())
            self._saved = time.monotonic()

    def _state(self) -> dict[str, Any]:
        """All that the training goes on from, in full precision."""
        cuda = self._feed.labels.is_cuda
        return {
            "epoch": self._epoch,
            "step": self._step,
            "seconds": self._elapsed,
            "best": list(self._best),
            "rate": self._rate,
            "order": self._order,
            "sums": self._stepper.sums,
            "weights": self._module.state_dict(),
            "average": self._average.module.state_dict(),
            "optimiser": self._stepper.optimiser.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state() if cuda else None,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        try:
            self._module.load_state_dict(state["weights"])
            self._average.module.load_state_dict(state["average"])
            self._stepper.optimiser.load_state_dict(state["optimiser"])
            self._epoch, self._step, self._seconds = state["epoch"], state["step"], state["seconds"]
            self._best, self._rate = (state["best"][0], state["best"][1]), state["rate"]
            self._order = state["order"]
            self._stepper.sums.copy_(state["sums"])
            torch.set_rng_state(state["random"])
            if state["random_cuda"] is not None and self._feed.labels.is_cuda:
                torch.cuda.set_rng_state(state["random_cuda"])
        except (KeyError, RuntimeError, ValueError, TypeError) as error:
            path = self._run.folder / RESUME
            raise InputError(path, "does not fit this training", "delete it to begin anew") from error
        self._run.rewind(self._epoch)

    def _environment(self, device: torch.device) -> dict[str, Any]:
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        return {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "device": name,
            "threads": torch.get_num_threads(),
            "processes": self._processes.count,
            "precision": precision(self._recipe, device),
            "system": f"{platform.system()} {platform.machine()}",
        }


def _channels_last(module: nn.Module) -> nn.Module:
    made: nn.Module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return made
