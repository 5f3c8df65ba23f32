"""The explorer on live objects, from a REPL, a script or a debugger."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from fer_tui.contract import InputError, plain

if TYPE_CHECKING:
    from fer_tui.classifier import TorchClassifier

_KEPT = 16 << 10  # bytes of the end of what was printed


def explore(model: Any, dataset: Any, *, classes: Sequence[str] | None = None, **preparation: Any) -> int:
    """Open the explorer on a live network and dataset; returns when the user leaves it, with its exit code.

    model: an nn.Module, or what `open_classifier` returned; several of them in a list are compared. dataset: a torch
    dataset, arrays (images, labels), or what `open_dataset` returned. preparation: `open_classifier`'s keywords (mean,
    std, transform, size, ...), for every nn.Module.

    The screen is a process of its own, which takes over this terminal; this process computes, so that the network stays
    where it is and as it is. InputError where stdin or stdout is no terminal.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InputError(
            "explore", "stdin and stdout must be a terminal", "use fer_tui.explain in a notebook or script"
        )
    from fer_tui.classifier import open_classifier
    from fer_tui.dataset import MappedDataset, open_dataset
    from fer_tui.engine.compute import Server
    from fer_tui.engine.matching import together
    from fer_tui.engine.session import Session
    from fer_tui.engine.stores import Stores

    opened = dataset if isinstance(dataset, MappedDataset) else open_dataset(dataset)
    hint = opened.uniform_shape[:2] if opened.uniform_shape else None
    networks: list[TorchClassifier] = []
    for each in model if isinstance(model, list | tuple) else [model]:
        known = hasattr(each, "untouched")
        networks.append(each if known else open_classifier(each, classes=classes, size_hint=hint, **preparation))
    if not networks:
        raise InputError("explore", "no model is given")
    session = Session(opened, together(networks, opened), Stores.open(None))
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            number = theirs.fileno()
            screen = subprocess.Popen([sys.executable, "-P", "-m", "fer_tui.tui", str(number)], pass_fds=[number])
        with _aside():
            try:
                with ours.makefile("rb") as source, ours.makefile("wb") as sink:
                    Server(source, sink, session).serve()
            except BaseException:
                screen.terminate()
                raise
            finally:
                ours.shutdown(socket.SHUT_RDWR)
            return screen.wait()


@contextlib.contextmanager
def _aside() -> Iterator[None]:
    """What the network or an explainer prints inside is kept from the screen; the end of it is shown afterwards."""
    with tempfile.TemporaryFile() as kept:
        _flush()
        own = os.dup(1), os.dup(2)
        os.dup2(kept.fileno(), 1)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        finally:
            _flush()
            for number, descriptor in enumerate(own, 1):
                os.dup2(descriptor, number)
                os.close(descriptor)
            kept.seek(max(0, kept.seek(0, os.SEEK_END) - _KEPT))
            for line in kept.read().decode("utf-8", "replace").splitlines():
                print(plain(line), file=sys.stderr)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
