"""What the Filters screen shows: a layer's filters in one of four views, their order, and what is known of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fer_tui.contract import Description, Gallery, Layer, Place, Value
from fer_tui.engine.messages import Message

from .asking import Answered, Asking, Request
from .frames import Frames
from .project import Project

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .browser import Browser
    from .choice import Choice

METHOD = "filter-ascent"
VIEWS = ("ascent", "outputs", "images", "class")
ORDERS = ("number", "gain", "activation", "output here")
_CLASSES = 12  # up to so many are all climbed; of more, the chosen one


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one filter (or class); None where it was not computed.

    start, final: activation before and after the climb. mean, maximum: of its output on the current image; rank: how
    many filters answer more strongly by the mean, plus 1. best: of the dataset's images.
    """

    start: float | None = None
    final: float | None = None
    dead: bool = False
    mean: float | None = None
    maximum: float | None = None
    rank: int | None = None
    best: float | None = None


class Filters:
    """The view, the order and the galleries; the chosen layer and filter are the browser's.

    make: one more explanation to ask for. where: the list and the place in it, once there is one.
    """

    def __init__(
        self, project: Project, choice: Choice, where: Callable[[], Browser | None], make: Callable[[], Asking]
    ) -> None:
        self._project, self._choice, self._where = project, choice, where
        self.view, self.order = "ascent", "number"
        self.ascent, self.outputs, self.images, self.top = make(), make(), make(), make()
        self.classes = Frames[int](make)
        self._all = (self.ascent, self.outputs, self.images, self.top)

    # ---- where -------------------------------------------------------------------------------------------------------

    @property
    def description(self) -> Description | None:
        """The explainer, None where it is not installed."""
        return self._project.methods.get(METHOD)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that have filters."""
        classifier = self._project.classifier
        return tuple(each for each in classifier.layers if each.filters) if classifier is not None else ()

    @property
    def layer(self) -> Layer | None:
        """The chosen layer, else the last convolution, else the last that has filters."""
        browser, known = self._where(), self.layers
        chosen = next((each for each in known if browser is not None and each.name == browser.layer), None)
        convolutions = [each for each in known if "Conv" in each.kind]
        return chosen or next(reversed(convolutions or known), None)

    @property
    def count(self) -> int:
        """How many pictures the sheet has: filters, or classes."""
        browser, layer = self._where(), self.layer
        if self.view == "class":
            return len(browser.classes) if browser is not None else 0
        return layer.filters if layer is not None else 0

    @property
    def chosen(self) -> int:
        """The filter at the cursor, or the class."""
        browser = self._where()
        if browser is None:
            return 0
        number = browser.target_class if self.view == "class" else browser.filter
        return min(number or 0, max(0, self.count - 1))

    def choose(self, number: int) -> None:
        """Be at this filter, or class: the place is the same on all screens."""
        browser, layer = self._where(), self.layer
        if browser is None or not 0 <= number < self.count:
            return
        if self.view == "class":
            browser.target = number
        elif layer is not None:
            browser.layer, browser.filter = layer.name, number

    def choose_layer(self, name: str) -> None:
        """Be at another layer, at its first filter."""
        browser = self._where()
        if browser is not None and any(each.name == name for each in self.layers):
            browser.layer, browser.filter = name, None

    def move_layer(self, steps: int) -> bool:
        """To a neighbouring layer, not beyond the ends; whether there are any."""
        names, now = [each.name for each in self.layers], self.layer
        if now is None:
            return False
        self.choose_layer(names[min(max(names.index(now.name) + steps, 0), len(names) - 1)])
        return True

    def move(self, steps: int) -> None:
        """By places on the sheet, not beyond the ends."""
        order = self.sorted()
        if order:
            self.choose(order[min(max(order.index(self.chosen) + steps, 0), len(order) - 1)])

    def turn(self, steps: int) -> None:
        """To another view."""
        self.view = VIEWS[(VIEWS.index(self.view) + steps) % len(VIEWS)]

    def turn_order(self, steps: int) -> None:
        """To another order."""
        self.order = ORDERS[(ORDERS.index(self.order) + steps) % len(ORDERS)]

    # ---- what is wanted ----------------------------------------------------------------------------------------------

    def parameters(self, view: str) -> dict[str, Value]:
        """The explainer's current parameters, with this view."""
        assert self.description is not None
        return {**self._choice.parameters(self.description), "view": view}

    def request(self, view: str, *, filter: int | None = None, target: int | None = None) -> Request | None:
        """What a view is asked by; None where nothing is open, or no image is listed for its outputs."""
        browser, layer, description = self._where(), self.layer, self.description
        if browser is None or layer is None or description is None or (view == "outputs" and browser.row is None):
            return None
        place = Place(browser.row, target, layer.name, filter, browser.checkpoint)
        return self._project.request(description, self.parameters(view), place)

    def want(self, *, again: bool = False) -> None:
        """Want what the view shows; of the other views, what is at hand. again: also what failed or was stopped."""
        if self.view != "class":
            self.classes.stop()
            self.outputs.want(self.request("outputs"), again=again)  # a single pass: before all that takes long
        for view, asking in (("ascent", self.ascent), ("images", self.images)):
            if self.view == view:
                asking.want(self.request(view), again=again)
            else:
                asking.stop()
                asking.look(self.request(view))
        if self.view == "class":
            self.outputs.stop()
            self._want_classes(again=again)
        self.look_at_top()

    def _want_classes(self, *, again: bool) -> None:
        count, chosen = self.count, self.chosen
        numbers = [chosen, *(n for n in range(count) if n != chosen)] if count <= _CLASSES else [chosen]
        wanted = {n: self.request("class", target=n) for n in numbers}
        self.classes.want({n: each for n, each in wanted.items() if each is not None}, again=again)

    def look_at_top(self) -> None:
        """Show the dataset images of the chosen filter, where they are at hand."""
        self.top.look(self.request("images", filter=self.chosen) if self.view != "class" else None)

    def want_top(self) -> None:
        """Want the dataset images of the chosen filter: what the pass for all filters did not hand over."""
        if self.view == "images" and self.images.answered.final:
            self.top.want(self.request("images", filter=self.chosen), again=True)

    def forget(self) -> None:
        """Another network or another dataset is open."""
        for asking in self._all:
            asking.want(None)
        self.classes.want({})

    def stop(self) -> bool:
        """Cancel the work, keep what there is; whether there was work."""
        stopped = [each.stop() for each in self._all]
        return self.classes.stop() or any(stopped)

    def take(self, message: Message) -> bool:
        """Take what the compute process says; whether it was about one of these."""
        return any(each.take(message) for each in self._all) or self.classes.take(message)

    # ---- what there is to show ---------------------------------------------------------------------------------------

    @property
    def asking(self) -> Asking:
        """What the view is asked by."""
        if self.view == "class":
            return self.classes.asking(self.chosen)
        return {"ascent": self.ascent, "outputs": self.outputs, "images": self.images}[self.view]

    @property
    def is_working(self) -> bool:
        return self.asking.is_working or self.top.is_working or (self.view == "class" and self.classes.is_working)

    @property
    def source(self) -> tuple[object, ...]:
        """What the pictures are of: while it is the same, so are they."""
        if self.view == "class":
            return tuple(self.classes.answered(n).explanation for n in self.classes.numbers)
        return (self.asking.answered.explanation,)

    @property
    def pictures(self) -> Mapping[int, NDArray[np.float32]]:
        """The view's picture by filter (or class): float32 (h, w[, 3]); of variants the first."""
        if self.view == "class":
            found = {n: gallery_of(self.classes.answered(n)) for n in self.classes.numbers}
            return {n: gallery.images[0] for n, gallery in found.items() if gallery is not None and len(gallery.images)}
        gallery = gallery_of(self.asking.answered)
        if gallery is None:
            return {}
        return {number: gallery.images[index] for number, index in indices_of(gallery).items()}

    @property
    def framed(self) -> frozenset[int]:
        """The strongest outputs on this image, or the dead filters."""
        if self.view in ("class", "images"):
            return frozenset()
        gallery = gallery_of(self.asking.answered)
        if gallery is None:
            return frozenset()
        return frozenset(number for number, index in indices_of(gallery).items() if index in gallery.marked)

    def facts(self, number: int) -> Facts:
        """What is known of a filter, or of a class."""
        climbed = gallery_of(self.classes.answered(number) if self.view == "class" else self.ascent.answered)
        facts = Facts()
        at = indices_of(climbed).get(number) if climbed is not None else None
        if climbed is not None and at is not None and "final" in climbed.extras:
            start, final = (float(climbed.extras[name][at]) for name in ("start", "final"))
            facts = Facts(start=start, final=final, dead=at in climbed.marked)
        answers = gallery_of(self.outputs.answered)
        if self.view != "class" and answers is not None and number < len(answers.images):
            mean, maximum = (answers.extras[name] for name in ("mean", "maximum"))
            rank = int((mean > mean[number]).sum()) + 1
            facts = replace(facts, mean=float(mean[number]), maximum=float(maximum[number]), rank=rank)
        best = gallery_of(self.images.answered)
        if self.view != "class" and best is not None and (found := indices_of(best).get(number)) is not None:
            facts = replace(facts, best=float(best.scores[found]))
        return facts

    @property
    def is_sorted(self) -> bool:
        """Whether what the order hangs on is known."""
        return self._values() is not None or self.order == "number"

    def sorted(self) -> Sequence[int]:
        """The filters (or classes) as they lie on the sheet: the highest first, of equals the lower number."""
        numbers, values = range(self.count), self._values()
        return numbers if values is None else sorted(numbers, key=lambda n: -values.get(n, float("-inf")))

    def _values(self) -> dict[int, float] | None:
        """What the order goes by, None where it is the number, or is not known."""
        if self.view == "class" or self.order == "number":
            return None
        source = self.outputs if self.order == "output here" else self.ascent
        gallery, name = gallery_of(source.answered), {"gain": "gain", "activation": "final"}.get(self.order, "mean")
        if gallery is None or not source.answered.final or name not in gallery.extras:
            return None  # while it climbs the sheet stays as it is
        values = gallery.extras[name]
        return {number: float(values[index]) for number, index in indices_of(gallery).items()}


def gallery_of(answered: Answered) -> Gallery | None:
    return answered.explanation if isinstance(answered.explanation, Gallery) else None


def indices_of(gallery: Gallery) -> dict[int, int]:
    """Where the picture of each filter, or class, lies in a gallery; of variants the first."""
    numbers = gallery.extras.get("filters", gallery.extras.get("classes"))
    found: dict[int, int] = {}
    for index, number in enumerate(numbers.tolist() if numbers is not None else range(len(gallery.images))):
        found.setdefault(int(number), index)
    return found
