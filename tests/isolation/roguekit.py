"""Explainers that misbehave, as a package of somebody else brings them: what each does is in its name.

The tests install this file as the module of a distribution; nothing imports it from here.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from fer_tui.contract import Axis, Explainer, Gallery, Heatmap, Parameters, Result, Subject

print("roguekit is imported")  # kept, never shown on a terminal


class Bad(Explainer[Parameters]):
    """A flat map; the ones below do something else on the way."""

    title = help = "For tests."
    version = "1"
    kind = "heatmap"
    axes = frozenset({Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT})

    def explain(self, subject: Subject, parameters: Parameters) -> Iterator[Result]:
        self.misbehave(subject)
        yield self.made(subject)

    def misbehave(self, subject: Subject) -> None: ...

    def made(self, subject: Subject, **fields: Any) -> Result:
        assert subject.image is not None
        image = subject.classifier.shown(subject.image)
        values = np.full(image.shape[:2], 0.5, np.float32)
        return Result(subject.place, Heatmap(**{"values": values, "image": image, **fields}), True, 1.0)


class Fine(Bad):
    name = "fine"


class Constructor(Bad):
    name = "constructor"

    def __init__(self) -> None:
        raise ValueError("no instance\x1b[2J of it")


class Middle(Bad):
    name = "middle"

    def explain(self, subject: Subject, parameters: Parameters) -> Iterator[Result]:
        yield Result(subject.place, self.made(subject).explanation, False, 0.5)
        raise RuntimeError("in the\nmiddle")


class Leaves(Bad):
    name = "leaves"

    def misbehave(self, subject: Subject) -> None:
        sys.exit("enough")


class Ends(Bad):
    name = "ends"

    def misbehave(self, subject: Subject) -> None:
        os._exit(0)


class Crashes(Bad):
    name = "crashes"

    def misbehave(self, subject: Subject) -> None:
        ctypes.string_at(0)


class Sleeps(Bad):
    name = "sleeps"

    def misbehave(self, subject: Subject) -> None:
        time.sleep(3600)


class Stubborn(Bad):
    name = "stubborn"

    def misbehave(self, subject: Subject) -> None:
        while True:
            try:
                time.sleep(3600)
            except BaseException:
                continue


class Prints(Bad):
    name = "prints"

    def misbehave(self, subject: Subject) -> None:
        print("by Python\x1b[2J")
        print("by Python, to stderr", file=sys.stderr)
        os.write(1, b"by the system\n")
        os.write(2, b"by the system, to stderr\n")
        libc = ctypes.CDLL(None)
        libc.puts(b"by C")
        libc.fflush(None)


class Litters(Bad):
    name = "litters"

    def misbehave(self, subject: Subject) -> None:
        module = subject.classifier.module
        module.register_forward_hook(lambda *_: None)
        module.register_forward_pre_hook(lambda *_: None)
        torch.nn.modules.module.register_module_forward_hook(lambda *_: None)
        first, *_, last = module.parameters()
        first.register_hook(lambda gradient: gradient * 0)
        subject.classifier.scores(subject.classifier.inputs([subject.image])).sum().backward()  # type: ignore[list-item,no-untyped-call]
        last.requires_grad_(False)
        last.data.mul_(0)
        module.train()
        torch.manual_seed(1)
        np.random.seed(1)


class Hoards(Bad):
    name = "hoards"
    held: list[np.ndarray[Any, Any]] = []  # noqa: RUF012

    def misbehave(self, subject: Subject) -> None:
        self.held.append(np.ones(100 << 17))  # 100 MiB


class Threads(Bad):
    name = "threads"
    end = threading.Event()

    def misbehave(self, subject: Subject) -> None:
        for _ in range(2):
            threading.Thread(target=self.end.wait, daemon=True).start()


class Files(Bad):
    name = "files"
    held: list[Any] = []  # noqa: RUF012

    def misbehave(self, subject: Subject) -> None:
        self.held += [open(os.devnull) for _ in range(4)]  # noqa: SIM115, PTH123


class Children(Bad):
    name = "children"
    held: list[Any] = []  # noqa: RUF012

    def misbehave(self, subject: Subject) -> None:
        self.held.append(subprocess.Popen(["sleep", "600"]))


class Thrifty(Bad):
    """A pool and a cache at its first run, and what it ends itself: nothing to be told of."""

    name = "thrifty"
    pool: list[Any] = []  # noqa: RUF012

    def misbehave(self, subject: Subject) -> None:
        if not self.pool:
            self.pool.append([threading.Thread(target=Threads.end.wait, daemon=True) for _ in range(20)])
            self.pool += [[each.start() for each in self.pool[0]], [open(os.devnull) for _ in range(40)]]  # noqa: SIM115, PTH123
        with open(os.devnull), open(os.devnull):  # noqa: PTH123
            subprocess.run(["true"], check=True)
            thread = threading.Thread(target=time.sleep, args=(0.01,))
            thread.start()
            thread.join()


class Shape(Bad):
    name = "shape"

    def made(self, subject: Subject, **fields: Any) -> Result:
        small = np.zeros((3, 3), np.float32)
        return super().made(subject, values=small, image=small.astype(np.uint8))


class Tensor(Bad):
    name = "tensor"

    def made(self, subject: Subject, **fields: Any) -> Result:
        return super().made(subject, values=torch.zeros(48, 48))


class Kind(Bad):
    name = "kind"

    def made(self, subject: Subject, **fields: Any) -> Result:
        pictures = np.zeros((1, 4, 4), np.float32)
        return Result(subject.place, Gallery(images=pictures, captions=("",), scores=np.zeros(1, np.float32)))


class Nothing(Bad):
    name = "nothing"

    def made(self, subject: Subject, **fields: Any) -> Result:
        return {"values": 1}  # type: ignore[return-value]


class Nan(Bad):
    name = "nan"

    def made(self, subject: Subject, **fields: Any) -> Result:
        result = super().made(subject)
        result.explanation.values[:] = np.nan  # type: ignore[attr-defined]
        return result


class Spotted(Bad):
    name = "spotted"

    def made(self, subject: Subject, **fields: Any) -> Result:
        result = super().made(subject)
        result.explanation.values[0, :3] = np.inf  # type: ignore[attr-defined]
        return result


class Huge(Bad):
    name = "huge"

    def made(self, subject: Subject, **fields: Any) -> Result:
        return super().made(subject, extras={"all": np.broadcast_to(np.zeros(1, np.float32), (1 << 20, 1 << 10))})


class Meta(Bad):
    name = "meta"

    def made(self, subject: Subject, **fields: Any) -> Result:
        return super().made(subject, meta={"model": object()})


class Future(Bad):
    name = "future"
    contract_version = 7


class Mute(Bad):
    name = "mute"

    @classmethod
    def describe(cls) -> Any:
        raise KeyError("title")


class Odd(Bad):
    name = "odd"

    @classmethod
    def describe(cls) -> Any:
        return {"name": "odd"}
