"""What is open: dataset, network, explainers, and the shelf of finished explanations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fer_tui import plugins
from fer_tui.contract import Axis, Description, Explanation, InputError, Place, Value, plain
from fer_tui.engine import defaults
from fer_tui.engine.messages import ClassifierOpened, DatasetOpened, Described, Followed

from .asking import Request

if TYPE_CHECKING:
    from fer_tui.classifier.fitting import Fit
    from fer_tui.contract import Heatmap
    from fer_tui.dataset import MappedDataset
    from fer_tui.engine import Settings, Shelf, Store, Stores
    from fer_tui.regions import Focus, Regions


class Project:
    """Grows while the compute process opens things, and stays when that process is lost.

    settings: None where live objects are explored.
    """

    classifier: ClassifierOpened | None  # of several networks it tells of that at the current checkpoint

    def __init__(self, settings: Settings | None) -> None:
        self.settings = settings
        self.dataset: MappedDataset | None = None
        self.classifier = None
        self.methods: dict[str, Description] = plugins.remembered()
        self.failed: dict[str, str] = {}
        self.notes: tuple[str, ...] = ()
        self._opened: DatasetOpened | None = None
        self._shelf: Shelf | None = None
        self._stores: Stores | None = None
        self._regions: tuple[Regions | None] | None = None  # None: not looked for yet

    @property
    def name(self) -> str:
        """What is explored, in few words."""
        if self._opened is None:
            return ""
        data = self.settings.data if self.settings is not None else None
        if self.settings is not None and data is None:
            return "samples"
        words = [plain(Path(data).name) if data is not None else "live dataset"]
        if self._opened.split:
            words.append(plain(self._opened.split))
        return " ".join(words)

    def open_dataset(self, message: DatasetOpened) -> bool:
        """Map the parsed dataset; whether it is another one than before."""
        from fer_tui.dataset import map_dataset

        if message == self._opened:
            return False
        mapped = map_dataset(message.folder, split=message.split, limit=message.limit)
        self.dataset = mapped.aligned(self.classifier.classes) if self.classifier is not None else mapped
        self._opened, self._regions = message, None
        self._note()
        return True

    def open_classifier(self, message: ClassifierOpened) -> bool:
        """Take what is known of the network; whether it predicts otherwise than the one before."""
        before, self.classifier = self.classifier, message.at(message.default)
        if self.dataset is not None:
            self.dataset = self.dataset.aligned(message.classes)
        if self._shelf is None:
            self._shelf = self._open_shelf()
        self._note()
        return before is None or (before.digests, before.classes) != (message.digests, message.classes)

    def look_from(self, checkpoint: int) -> None:
        """Let `classifier` tell of the network whose weights that checkpoint is: its layers, name, device."""
        if self.classifier is not None:
            self.classifier = self.classifier.at(checkpoint)

    def follow(self, message: Followed, checkpoint: int) -> bool:
        """Take the checkpoints as they are now; whether the weights of `checkpoint` are as they were."""
        before = self.classifier
        if before is None:
            return False
        self.classifier = replace(
            before, checkpoints=message.checkpoints, digests=message.digests, owners=message.owners
        )
        return before.digests[checkpoint] == message.digests[checkpoint]

    def describe(self, message: Described) -> None:
        """Take the explainers that could be loaded."""
        self.methods = {each.name: each for each in message.explainers}
        self.failed = dict(message.failed)

    def faults_of_defaults(self) -> tuple[str, ...]:
        """What is wrong with the explainers' defaults in the configuration, in one line each."""
        if self.settings is None:
            return ()
        return tuple(map(str, defaults.faults(self.settings, self.methods, (*self.methods, *self.failed))))

    def methods_for(self, *, dataset: bool) -> tuple[Description, ...]:
        """The explainers of one image, or (dataset) the matrices of the whole dataset."""
        return tuple(each for each in self.methods.values() if (each.kind == "matrix") == dataset)

    @property
    def aliases(self) -> list[tuple[Description, str]]:
        """The literature's names for the explainers of one image, under some parameters."""
        return [(each, alias) for each in self.methods_for(dataset=False) for alias in each.listed_aliases]

    @property
    def regions(self) -> str | None:
        """The name of the regions that are known of what is open, if any."""
        from fer_tui.regions import known_regions

        if self.dataset is None:
            return None
        return known_regions(self.settings.data if self.settings is not None else "", self.dataset)

    def focus(self, heatmap: Heatmap, row: int) -> Focus | None:
        """The shares of a map of a row in the known regions, None where none are known."""
        from fer_tui.regions import focus

        regions = self._named_regions()
        if self.dataset is None or self.classifier is None or regions is None:
            return None
        height, width = self.dataset.shown(row).shape[:2]
        return focus(heatmap, regions, row=row, picture=(height, width), fit=cast("Fit", self.classifier.fit))

    def region_at(self, heatmap: Heatmap, image: int, row: int, column: int) -> str | None:
        """The name of the region that has most of a pixel of a map of `image`, None where none are known."""
        regions = self._named_regions()
        if self.dataset is None or self.classifier is None or regions is None:
            return None
        height, width = self.dataset.shown(image).shape[:2]
        size, fit = (heatmap.values.shape[0], heatmap.values.shape[1]), cast("Fit", self.classifier.fit)
        weights = regions.weights(size, row=image, picture=(height, width), fit=fit)
        return regions.names[int(weights[:, row, column].argmax())]

    def _named_regions(self) -> Regions | None:
        from fer_tui.regions import named_regions

        if self._regions is None and self.dataset is not None:
            known = self.regions
            self._regions = (named_regions(known) if known is not None else None,)
        return self._regions[0] if self._regions is not None else None

    def request(self, description: Description, parameters: dict[str, Value], place: Place) -> Request:
        return Request(description.name, parameters, place.on(description.axes_for(parameters)))

    def look_up(self, request: Request) -> tuple[Place, Explanation] | None:
        """A finished explanation from memory or store: judged, if it ever was."""
        from fer_tui.engine.keys import contrast_key, judged_key

        key = self._key(request)
        if key is None or self._shelf is None or request.cell is not None:
            return None
        key = key if request.against is None else contrast_key(key, request.against)
        explanation = self._shelf.get(judged_key(key)) or (self._shelf.get(key) if not request.judged else None)
        return (request.place, explanation) if explanation is not None else None

    def keep(self, key: str, blob: bytes) -> None:
        """Put a finished explanation on the shelf."""
        if self._shelf is not None and key:
            self._shelf.put(key, blob)

    @property
    def stores(self) -> tuple[Store, ...]:
        """Those that explanations are looked for in, the own one first."""
        return tuple(self._stores.all) if self._stores is not None else ()

    def close(self) -> None:
        if self._shelf is not None:
            self._shelf.close()

    def _key(self, request: Request) -> str | None:
        from fer_tui.engine.keys import action_key, key_at

        description, place = self.methods.get(request.method), request.place
        if description is None or self.classifier is None or self.dataset is None:
            return None
        description = description.for_action(request.action)
        axes = description.axes_for(request.parameters)
        if (Axis.IMAGE in axes and place.image is None) or (Axis.TARGET in axes and place.target is None):
            return None
        try:
            key = key_at(description, request.parameters, place, self.dataset, self.classifier.digests)
        except InputError:  # the picture cannot be read: the compute process tells why
            return None
        return action_key(key, request.action)

    def _open_shelf(self) -> Shelf:
        from fer_tui.engine import Shelf, Stores

        cache, others = (self.settings.cache, self.settings.stores) if self.settings is not None else (None, ())
        self._stores = Stores.open(cache, others)
        return Shelf(self._stores)

    def _note(self) -> None:
        data = self._opened.notes if self._opened is not None else ()
        self.notes = (*data, *(self.classifier.notes if self.classifier is not None else ()))
