"""The compute process: holds classifier, dataset and explainers, and answers messages until its stream ends.

Run as `python -m fer_tui.engine.compute`; it speaks on its stdin and stdout. All jobs run on the main thread, one step
of one generator at a time; a second thread only reads, so that a cancel or a more urgent job is seen between two steps.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from fer_tui import plugins
from fer_tui.contract import Description, FerTuiError, PluginError
from fer_tui.oversight import Witness, leave_out, limits

from . import codec, wire
from .keys import contrast_key, judged_key
from .messages import (
    Answer,
    Cancel,
    ClassifierOpened,
    CountStored,
    DatasetOpened,
    Described,
    Done,
    Explain,
    Failed,
    FindSimilar,
    Focused,
    Followed,
    MeasureFocus,
    Message,
    Narration,
    Open,
    Predict,
    Predictions,
    Quit,
    Similar,
)
from .settings import Settings

if TYPE_CHECKING:
    from .engine import Engine
    from .session import Session
    from .similar import Features

_NARRATE_EVERY = 0.1  # seconds
_FOLLOW_EVERY = 2.0  # seconds between two looks at the files of the run
_MOVING = 0.15  # seconds after something that is seen was made, in which the user is taken to be moving
_STEP = 0.2  # seconds of a step of work in the background


@dataclass(eq=False, slots=True)
class _Job:
    """Work under way: its steps send what they have. rank: its turn, the lowest first.

    0 what is seen, 1 prefetch, 2 what the user has asked for of all images, 3 the predictions of all.
    """

    number: int
    rank: int
    steps: Iterator[None]
    started: bool = False


class Server:
    """Answers one stream. `session`: what is open already (else the Open message says what to open)."""

    def __init__(self, source: BinaryIO, sink: BinaryIO, session: Session | None = None) -> None:
        self._source, self._sink = source, sink
        self._session = session
        self._engine: Engine | None = None
        self._inbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._jobs: list[_Job] = []
        self._told: tuple[tuple[str, ...], tuple[str, ...]] | None = None  # names and digests of the checkpoints
        self._looked = 0.0
        self._seen = 0.0  # when something was last made that is seen
        self._features: Features | None = None  # of the last network and split that something was searched in

    def serve(self) -> None:
        """Work until Quit or the end of the stream."""
        threading.Thread(target=self._listen, name="messages", daemon=True).start()
        try:
            while self._take():
                self._step()
        except BrokenPipeError:  # the terminal process is gone
            pass
        finally:
            for job in self._jobs:
                _close(job.steps)
            if self._session is not None:
                self._session.close()

    # ---- messages ----------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        message: Message | None = None
        try:
            while (message := wire.read(self._source)) is not None:
                self._inbox.put(message)
        finally:
            self._inbox.put(None)

    def _send(self, message: Message) -> None:
        self._sink.write(wire.encode(message))
        self._sink.flush()

    def _take(self) -> bool:
        """Handle all messages that have come; wait for one where there is no work. False at the end."""
        self._follow()
        while self._inbox.qsize() or self._pause():
            try:
                message = self._inbox.get(timeout=self._pause())
            except queue.Empty:
                self._follow()
                continue
            match message:
                case None | Quit():
                    return False
                case Open() as message:
                    self._open(message)
                case Explain(urgent=False, job=number) if self._is_short():
                    self._send(Done(number, cancelled=True))
                case Explain() as message:
                    self._add(_Job(message.job, 0 if message.urgent else 1, self._explain(message)))
                case Predict() as message:
                    self._add(_Job(message.job, 3, self._predict(message)))
                case MeasureFocus() as message:
                    self._add(_Job(message.job, 2, self._focus(message)))
                case FindSimilar() as message:
                    self._add(_Job(message.job, 2, self._similar(message)))
                case CountStored() as message:
                    self._add(_Job(message.job, 2, self._count(message)))
                case Cancel(job=number):
                    self._cancel(number)
        return True

    # ---- jobs --------------------------------------------------------------------------------------------------------

    def _add(self, job: _Job) -> None:
        """Put a job in its turn. Only one explainer may be at work on the module: an urgent one ends a prefetch."""
        if job.rank == 0:
            for other in [j for j in self._jobs if j.rank == 1 and j.started]:
                self._cancel(other.number)
        self._jobs.append(job)
        self._jobs.sort(key=lambda j: (j.rank, not j.started))

    def _pause(self) -> float:
        """Seconds to wait for a message: the user may be moving, and the predictions of all would stand in the way."""
        if not self._jobs:
            return _FOLLOW_EVERY
        return max(0.0, self._seen + _MOVING - time.monotonic()) if self._jobs[0].rank > 2 else 0.0

    def _step(self) -> None:
        job = self._jobs[0]
        job.started = True
        if job.rank == 0:
            self._seen = time.monotonic()
        try:
            next(job.steps)
            return
        except StopIteration:
            answer: Message = Done(job.number)
        except BrokenPipeError:
            raise
        except PluginError as error:
            answer = Failed(job.number, str(error), error.details)
        except FerTuiError as error:
            answer = Failed(job.number, str(error))
        except BaseException as error:  # a fault of the house or of the user's network: told, and life goes on
            answer = Failed(job.number, f"{type(error).__name__}: {error}", traceback.format_exc())
        self._jobs.remove(job)
        self._send(answer)

    def _cancel(self, number: int) -> None:
        for job in [j for j in self._jobs if j.number == number]:
            self._jobs.remove(job)
            _close(job.steps)
            self._send(Done(number, cancelled=True))

    def _is_short(self) -> bool:
        """Whether the device's memory had better be left to others."""
        from fer_tui.classifier.device import is_short

        return self._engine is not None and is_short(self._engine.classifier.device)

    def _opened(self) -> Engine:
        if self._engine is None:
            raise FerTuiError("nothing is open yet")
        return self._engine

    def _explain(self, message: Explain) -> Iterator[None]:
        engine = self._opened()
        if message.cell is not None and message.against is not None:
            yield from self._contrast_cell(message, message.against, message.cell)
            return
        task = engine.task(message.method, message.place, message.parameters, action=message.action)
        yield  # finding the target took a forward pass: look for messages
        began = time.perf_counter()
        run = engine.judge(task) if message.judged else engine.run(task)
        if message.against is not None:
            from .contrasting import contrast

            run = contrast(engine, task, message.against)
        with closing(run) as results:
            for result in results:
                seconds = time.perf_counter() - began
                key, blob = task.key(result.place), codec.pack(result.explanation)
                key = judged_key(key) if message.judged else key
                key = key if message.against is None else contrast_key(key, message.against)
                self._send(Answer(message.job, key, result.place, result.final, result.progress, seconds, blob))
                yield

    def _contrast_cell(self, message: Explain, true: int, count: int) -> Iterator[None]:
        """The mean contrast of a cell's images; it is not stored, the maps that it is made of are."""
        from fer_tui.regions import named_regions

        from .contrasting import Cell, cell_contrast

        place, began = message.place, time.perf_counter()
        regions = named_regions(message.regions) if message.regions is not None else None
        cell = Cell(true, place.target or 0, count or None, int(message.parameters["seed"]))
        steps = cell_contrast(self._opened(), message.method, cell, message.parameters, place, regions, pause=_STEP)
        with closing(steps):
            for progress, heatmap in steps:
                if heatmap is not None:
                    blob, seconds = codec.pack(heatmap), time.perf_counter() - began
                    self._send(Answer(message.job, "", place, progress >= 1, progress, seconds, blob))
                yield

    def _predict(self, message: Predict) -> Iterator[None]:
        engine = self._opened()
        for start, scores in engine.scores(message.checkpoint, message.start, message.rows):
            self._send(Predictions(start, message.checkpoint, scores.astype("<f4", copy=False).tobytes()))
            yield

    def _focus(self, message: MeasureFocus) -> Iterator[None]:
        from fer_tui.regions import named_regions

        from .focusing import Choice, focus_table

        regions, choice = named_regions(message.regions), Choice(per_class=message.per_class)
        place, parameters = message.place, message.parameters
        steps = focus_table(self._opened(), message.method, regions, choice, parameters, place, pause=_STEP)
        with closing(steps):
            for progress, table in steps:
                self._send(Focused(message.job, progress, table))
                yield

    def _similar(self, message: FindSimilar) -> Iterator[None]:
        from .similar import Features

        features = Features(self._opened(), message.checkpoint)
        if self._features is None or self._features.name != features.name:
            self._features = features
        features = self._features
        split, limit = features.dataset.split, features.dataset.limit
        for progress in features.make():
            self._send(Similar(message.job, progress, split, limit))
            yield
        self._send(Similar(message.job, 1.0, split, limit, features.nearest(message.row, message.count)))

    def _count(self, message: CountStored) -> Iterator[None]:
        from .counting import count_stored

        for counted in count_stored(self._opened(), message):
            self._send(counted)
            yield

    # ---- opening -----------------------------------------------------------------------------------------------------

    def _open(self, message: Open) -> None:
        """Open dataset, then network, then explainers, each told as soon as it is there."""
        from . import session as sessions

        leave_out(message.without)
        try:
            known = plugins.remembered()
            self._send(Described(tuple(e for name, e in known.items() if name not in message.without), remembered=True))
            if message.settings is None:
                session = self._session
                if session is None:
                    raise FerTuiError("nothing is open, and nothing was named to be opened")
                self._tell_dataset(session, None, None)
            else:
                settings = Settings.from_dict(message.settings)
                narrate = self._narrator()
                dataset = sessions.open_data(settings, narrate)
                self._send(DatasetOpened(str(dataset.folder), dataset.split, dataset.limit, tuple(dataset.notes)))
                classifier = sessions.open_network(settings, dataset, narrate)
                from fer_tui.classifier.threads import few_threads  # here, for torch is imported by now

                few_threads(classifier.input_shape)
                session = sessions.Session(dataset, classifier, sessions.open_store(settings))
            self._session, self._engine = session, session.engine()
            self._tell_classifier(session)
            self._send(self._describe())
        except BrokenPipeError:
            raise
        except FerTuiError as error:
            self._send(Failed(None, str(error)))
        except Exception as error:
            self._send(Failed(None, f"{type(error).__name__}: {error}", traceback.format_exc()))

    def _tell_dataset(self, session: Session, split: str | None, limit: int | None) -> None:
        dataset = session.dataset
        self._send(DatasetOpened(str(dataset.folder), dataset.split or split, dataset.limit or limit, dataset.notes))

    def _tell_classifier(self, session: Session) -> None:
        classifier = session.classifier
        self._told = classifier.checkpoints, classifier.digests
        self._send(ClassifierOpened.of(classifier, session.network_notes))

    def _follow(self) -> None:
        """Look, now and then, whether the run has grown, and tell."""
        if self._told is None or self._session is None or time.monotonic() - self._looked < _FOLLOW_EVERY:
            return
        self._looked = time.monotonic()
        try:
            classifier = self._session.classifier
            if not classifier.follow():
                return
            now = classifier.checkpoints, classifier.digests
        except FerTuiError:  # the folder cannot be read just now
            return
        if now != self._told:
            self._told = now
            self._send(Followed(*now, classifier.owners))

    def _describe(self) -> Described:
        """Load every explainer that is not to be left out."""
        described: list[Description] = []
        failed: dict[str, str] = {}
        for name in plugins.names():
            try:
                described.append(plugins.description(plugins.load(name)))
            except FerTuiError as error:
                failed[name] = str(error)
        plugins.remember(described)
        return Described(tuple(described), failed)

    def _narrator(self) -> Callable[[str, float | None], None]:
        """Sends what is being done, at a rate that a person can read."""
        said, when = "", 0.0

        def narrate(text: str, share: float | None = None) -> None:
            nonlocal said, when
            now = time.monotonic()
            if text != said or now - when >= _NARRATE_EVERY:
                said, when = text, now
                self._send(Narration(text, share))

        return narrate


def _close(steps: Iterator[None]) -> None:
    """Stop a job's generator; what an explainer raises while it is closed is its own affair."""
    try:
        steps.close()  # type: ignore[attr-defined]
    except Exception:
        traceback.print_exc()


def main() -> None:
    """Serve on stdin and stdout. Whatever else prints goes to stderr, so that the stream stays clean."""
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb")
    quiet = os.open(os.devnull, os.O_RDONLY)
    os.dup2(quiet, 0)
    os.close(quiet)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    with Witness(os.dup(2), limits()).present():
        Server(source, sink).serve()
    # A thread of a plugin, or CUDA, must not keep a process alive that nobody listens to.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
