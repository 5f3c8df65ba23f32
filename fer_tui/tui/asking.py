"""The explanation that a screen wants: looked up, else asked for; what nobody looks at any more is cancelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from fer_tui.contract import Explanation, Place, Value
from fer_tui.engine.messages import Answer, Done, Failed, Message, Places, Variant


class Computes(Protocol):
    """What is asked of the compute process (engine.Compute)."""

    def explain(
        self,
        method: str,
        parameters: Mapping[str, Value],
        place: Place,
        *,
        urgent: bool = True,
        judged: bool = False,
        against: int | None = None,
        cell: int | None = None,
        regions: str | None = None,
        action: str = "",
    ) -> int: ...
    def predict(self, start: int = 0, checkpoint: int = 0, rows: tuple[int, ...] = ()) -> int: ...
    def focus(
        self, method: str, parameters: Mapping[str, Value], place: Place, *, regions: str, per_class: int
    ) -> int: ...
    def similar(self, row: int, count: int, checkpoint: int = 0) -> int: ...
    def count_stored(self, variants: Sequence[Variant], places: Places) -> int: ...
    def cancel(self, job: int) -> None: ...
    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted: a method with all its parameters at a place, projected on the axes that it uses.

    judged: and how far it can be trusted. against: minus the map of that class. cell: the mean of that over so many
    images of class `against` that are taken for the target, measured in these regions. action: the method's action of
    that name instead, on that one's axes.
    """

    method: str
    parameters: Mapping[str, Value]
    place: Place
    judged: bool = False
    against: int | None = None
    cell: int | None = None
    regions: str | None = None
    action: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """What there is to show for a request. final: nothing better will come. seconds: None where it was stored."""

    request: Request | None = None
    place: Place = field(default_factory=Place)
    explanation: Explanation | None = None
    final: bool = False
    progress: float | None = None
    seconds: float | None = None
    fault: str = ""
    details: str = ""
    cancelled: bool = False

    @property
    def made_by(self) -> Request | None:
        """What makes again what is shown: a map may have been found with a trust that was not asked for."""
        if self.request is None or self.explanation is None or "trust" not in self.explanation.meta:
            return self.request
        return replace(self.request, judged=True)


class Asking:
    """One explanation at a time, for one screen.

    look_up: a finished explanation for a request, if there is one at hand. unpack: an Answer's explanation.
    """

    def __init__(
        self,
        compute: Computes,
        look_up: Callable[[Request], tuple[Place, Explanation] | None],
        unpack: Callable[[bytes], Explanation],
    ) -> None:
        self._compute, self._look_up, self._unpack = compute, look_up, unpack
        self._job: int | None = None
        self.answered = Answered()

    @property
    def is_working(self) -> bool:
        return self._job is not None

    def want(self, request: Request | None, *, again: bool = False) -> None:
        """Show this from now on. again: also where the same was wanted already and failed or was cancelled.

        What is judged, or being judged, serves a request for the same without.
        """
        now = self.answered.request
        same = request == now or (now is not None and request == replace(now, judged=False))
        if same and not (again and self._job is None and not self.answered.final):
            return
        before = self.answered
        self.stop()
        self.answered = Answered(request)
        if request is None:
            return
        if request.judged and before.request == replace(request, judged=False):  # the map is there already
            self.answered = Answered(request, before.place, before.explanation)
        found = self._look_up(request)
        if found is not None:
            self.answered = Answered(request, *found, final=True, progress=1.0)
        else:
            self._job = self._compute.explain(
                request.method,
                request.parameters,
                request.place,
                judged=request.judged,
                against=request.against,
                cell=request.cell,
                regions=request.regions,
                action=request.action,
            )

    def look(self, request: Request | None) -> None:
        """Show this from now on where it is at hand; nothing is asked for."""
        if request == self.answered.request and (self.is_working or self.answered.explanation is not None):
            return
        self.stop()
        found = self._look_up(request) if request is not None else None
        self.answered = Answered(request, *found, final=True, progress=1.0) if found is not None else Answered(request)

    def stop(self) -> bool:
        """Cancel the work, keep what there is; whether there was work."""
        job, self._job = self._job, None
        if job is None:
            return False
        now = self.answered
        self.answered = Answered(now.request, now.place, now.explanation, progress=now.progress, cancelled=True)
        self._compute.cancel(job)
        return True

    def take(self, message: Message) -> bool:
        """Take what the compute process says; whether it was about this request."""
        match message:
            case Answer() if message.job == self._job:
                if not self._is_asked(message.place):
                    return True  # made on the way, and kept for whoever asks
                self.answered = Answered(
                    self.answered.request,
                    message.place,
                    self._found_by(message) or self._unpack(message.blob),
                    message.final,
                    message.progress,
                    message.seconds,
                )
            case Done() if message.job == self._job:
                self._job = None
                if not self.answered.final:
                    now = self.answered
                    self.answered = Answered(now.request, now.place, now.explanation, cancelled=True)
            case Failed() if message.job == self._job:
                self._job = None
                self.answered = Answered(self.answered.request, fault=message.fault, details=message.details)
            case _:
                return False
        return True

    def _found_by(self, answer: Answer) -> Explanation | None:
        """What is at hand at the place that a finished answer tells: it was not known in full when this was wanted.

        The predicted class may not have been known, so that a map that was judged before could not be looked up.
        """
        request = self.answered.request
        if request is None or not answer.final or answer.place == request.place:
            return None
        found = self._look_up(replace(request, place=answer.place))
        return found[1] if found is not None else None

    def _is_asked(self, place: Place) -> bool:
        """Whether an answer for this place is one to the request: some explainers make neighbours, too."""
        request = self.answered.request
        if request is None:
            return False
        asked = request.place
        chosen = asked.to_dict().items()
        return place.filter == asked.filter and all(getattr(place, axis) == value for axis, value in chosen)
