"""Another checkpoint beside the current one: of another network, or of the same run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from fer_tui.contract import plain
from fer_tui.engine.messages import Message

from .asking import Answered, Asking, Computes, Request
from .job import Job

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fer_tui.comparison import Comparison
    from fer_tui.contract import Layer

    from .browser import Browser
    from .choice import Choice
    from .predictions import Predictions
    from .project import Project


class Beside:
    """The partner of the current checkpoint: its explanation of the same place, its predictions of all rows.

    shown: the user wants to see it. note: what of the place it has not, in words. predictions: as far as they came.
    """

    def __init__(
        self,
        project: Project,
        choice: Choice,
        where: Callable[[], Browser | None],
        compute: Computes,
        make: Callable[[], Asking],
    ) -> None:
        self._project, self._choice, self._where, self._compute = project, choice, where, compute
        self.asking = make()
        self.shown = False
        self.note = ""
        self.predictions: Predictions | None = None
        self._digest = ""  # of the weights whose predictions they are
        self._chosen: int | None = None
        self._wanted = False
        self._job = Job(compute)
        self._layers: dict[int, tuple[str, int | None]] = {}  # that were chosen, by network

    # ---- which -------------------------------------------------------------------------------------------------------

    @property
    def partner(self) -> int | None:
        """The number of the checkpoint beside the current one, None where there is but one.

        Where none was chosen: of several networks the first other one's, of a run the last, beside the last the first.
        """
        browser, classifier = self._where(), self._project.classifier
        if browser is None or classifier is None or len(classifier.checkpoints) < 2:
            return None
        count, now = len(classifier.checkpoints), browser.checkpoint
        if self._chosen is not None and self._chosen < count and self._chosen != now:
            return self._chosen
        if len(classifier.networks) > 1:
            return next(n.default for number, n in enumerate(classifier.networks) if number != classifier.owners[now])
        return 0 if now == count - 1 else count - 1

    @property
    def name(self) -> str:
        """The partner's name."""
        return self.name_of(self.partner) if self.partner is not None else ""

    def name_of(self, checkpoint: int) -> str:
        """The network's name where it has one checkpoint alone, else the checkpoint's."""
        classifier = self._project.classifier
        if classifier is None:
            return ""
        owner = classifier.owners[checkpoint] if checkpoint < len(classifier.owners) else 0
        alone = len(classifier.networks) > 1 and classifier.owners.count(owner) == 1
        return plain(classifier.networks[owner].name if alone else classifier.checkpoints[checkpoint])

    @property
    def order(self) -> tuple[int, int] | None:
        """The two checkpoints as first and second, whichever is the current one: earlier networks come first."""
        browser, classifier, partner = self._where(), self._project.classifier, self.partner
        if browser is None or classifier is None or partner is None:
            return None
        both = (browser.checkpoint, partner)
        first, second = sorted(both, key=lambda n: (classifier.owners[n] if classifier.owners else 0, n))
        return first, second

    @property
    def others(self) -> tuple[int, ...]:
        """What can be beside it: of several networks the weights that count of each other one, of a run all others."""
        browser, classifier = self._where(), self._project.classifier
        if browser is None or classifier is None:
            return ()
        own = classifier.series_of(browser.checkpoint)
        if len(classifier.networks) > 1:
            return tuple(each.default for each in classifier.networks if each.default not in own)
        return tuple(number for number in own if number != browser.checkpoint)

    @property
    def number(self) -> int | None:
        """Which of the others is beside it, by any of its weights; None: the same network is."""
        partner, classifier = self.partner, self._project.classifier
        if partner is None or classifier is None:
            return None
        alike = classifier.series_of(partner) if len(classifier.networks) > 1 else (partner,)
        return next((number for number, each in enumerate(self.others) if each in alike), None)

    def turn(self, steps: int) -> None:
        """Have another one of the others beside it."""
        others, now = self.others, self.number
        if others:
            begin = now if now is not None else -1 if steps > 0 else 0
            self.choose(others[(begin + steps) % len(others)])

    def choose(self, checkpoint: int) -> bool:
        """Have this checkpoint beside the current one; whether it is another one, and there."""
        browser, classifier = self._where(), self._project.classifier
        if browser is None or classifier is None or checkpoint == browser.checkpoint:
            return False
        if not 0 <= checkpoint < len(classifier.checkpoints):
            return False
        self._chosen = checkpoint
        self.see()
        return True

    # ---- moving along the checkpoints --------------------------------------------------------------------------------

    def move(self, browser: Browser, checkpoint: int) -> tuple[Predictions | None, str]:
        """The user goes to another checkpoint; to the partner: the two change places.

        Layer and filter follow: what the other network has not is forgotten until the user is back. Returned are the
        predictions that are known there, and what is to be said.
        """
        before, here = browser.checkpoint, browser.predictions
        known = self.predictions if checkpoint == self.partner else None
        if checkpoint == self.partner:
            self._chosen, self.predictions = before, here
            self._digest = self._project.classifier.digests[before] if self._project.classifier is not None else ""
        owner = self._owner(before)
        if browser.layer is not None:
            self._layers[owner] = browser.layer, browser.filter
        else:
            self._layers.pop(owner, None)
        browser.checkpoint = checkpoint
        self._project.look_from(checkpoint)
        said = self._fit_layer(browser) if self._owner(checkpoint) != owner else ""
        self.see()
        return known, said

    def _owner(self, checkpoint: int) -> int:
        owners = self._project.classifier.owners if self._project.classifier is not None else ()
        return owners[checkpoint] if checkpoint < len(owners) else 0

    def _fit_layer(self, browser: Browser) -> str:
        """Stay at the layer where this network has it, too; else go to the one chosen of it before; what to say."""
        layers = self._layers_at(browser.checkpoint)
        missing = browser.layer
        if missing in layers:
            browser.filter = browser.filter if (browser.filter or 0) < layers[missing].filters else None
            return ""
        browser.layer, browser.filter = self._layers.get(self._owner(browser.checkpoint), (None, None))
        if missing is None:
            return ""
        there = f"at {plain(browser.layer)} instead" if browser.layer is not None else "the method chooses its layer"
        return f"{self.name_of(browser.checkpoint)} has no layer {plain(missing)}: {there}"

    def _layers_at(self, checkpoint: int) -> dict[str, Layer]:
        classifier = self._project.classifier
        return {each.name: each for each in classifier.at(checkpoint).layers} if classifier is not None else {}

    # ---- what is wanted ----------------------------------------------------------------------------------------------

    def aim(self, *, again: bool = False) -> None:
        """Want the partner's explanation of the place where the user is, where it is shown."""
        request = self._request() if self.shown else None
        self.asking.want(request, again=again)

    def _request(self) -> Request | None:
        browser, method, partner = self._where(), self._choice.method, self.partner
        if browser is None or method is None or partner is None or browser.row is None:
            return None
        place = browser.place
        if place.target is None:  # the same class for both, and it is not known yet
            return None
        layers, self.note = self._layers_at(partner), ""
        if place.layer is not None and place.layer not in layers:
            self.note = "no such layer"
            place = replace(place, layer=None, filter=None)
        elif place.layer is not None and (place.filter or 0) >= layers[place.layer].filters:
            self.note = f"no filter {place.filter}"
            place = replace(place, filter=None)
        return self._project.request(method, self._choice.parameters(method), replace(place, checkpoint=partner))

    @property
    def answered(self) -> Answered:
        return self.asking.answered

    # ---- predictions -------------------------------------------------------------------------------------------------

    def see(self) -> None:
        """The checkpoints, or the place among them, may be others: what is known of another partner is forgotten."""
        from .predictions import Predictions

        browser, classifier, partner = self._where(), self._project.classifier, self.partner
        if browser is None or classifier is None:
            return
        browser.pair = browser.predictions.pair = self.pair
        digest = classifier.digests[partner] if partner is not None else ""
        known = self.predictions
        if digest != self._digest or (known is not None and len(known) != len(browser.predictions)):
            self.give_way()
            self._digest = digest
            self.predictions = Predictions(browser.predictions.labels, len(browser.classes)) if digest else None

    def pair(self) -> Comparison | None:
        """The first checkpoint beside the second, as far as both predict; None where there is but one."""
        from fer_tui.comparison import Comparison

        browser, order, other = self._where(), self.order, self.predictions
        if browser is None or order is None or other is None:
            return None
        mine = browser.predictions
        first, second = (mine, other) if order[0] == browser.checkpoint else (other, mine)
        return Comparison(mine.labels, first.predicted, second.predicted)

    def gather(self) -> None:
        """Want the predictions of all rows from now on."""
        self._wanted = True

    def go_on(self, row: int) -> bool:
        """Ask for the predictions that are missing, from `row` on; whether they are being made."""
        partner, known = self.partner, self.predictions
        if partner is None or known is None or known.complete or not (self.shown or self._wanted):
            return self._job.is_working
        if not self._job.is_working:
            self._job.begin(self._compute.predict(row, partner))
        return True

    def add(self, checkpoint: int, start: int, scores: NDArray[np.float32]) -> None:
        """Take raw scores (n, classes) of rows `start` on, where they are the partner's."""
        if self.predictions is not None and checkpoint == self.partner:
            self.predictions.add(start, scores)

    def give_way(self) -> bool:
        """Let something else go first; whether there was work."""
        return self._job.stop()

    def stop(self) -> bool:
        """Cancel the work; whether there was any."""
        self._wanted = False
        gave_way = self.give_way()
        return self.asking.stop() or gave_way

    def take(self, message: Message) -> bool:
        """Take what the compute process says; whether it was about this."""
        if self._job.take(message):
            self._wanted = self._wanted and not self._job.fault
            return True
        return self.asking.take(message)
