"""Opens what the settings name: dataset, classifier and store, made to fit one another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from .engine import Engine
from .matching import check_samples, fitting_notes, together
from .settings import Settings
from .stores import Stores

if TYPE_CHECKING:
    from fer_tui.classifier import TorchClassifier
    from fer_tui.dataset import MappedDataset

Progress = Callable[[str, float | None], None]  # what is being done, and the share of it that is done (0 to 1)


@dataclass(frozen=True, slots=True)
class Session:
    """An opened dataset and classifier with their store."""

    dataset: MappedDataset
    classifier: TorchClassifier
    store: Stores | None

    @property
    def notes(self) -> tuple[str, ...]:
        """What was understood and assumed, in plain sentences."""
        return (*self.dataset.notes, *self.network_notes)

    @property
    def network_notes(self) -> tuple[str, ...]:
        """Those that hang on the network and the store."""
        stores = self.store.notes if self.store is not None else ()
        fitting = [note for each in self.classifier.networks for note in fitting_notes(each, self.dataset)]
        return (*self.classifier.notes, *dict.fromkeys(fitting), *stores)

    def engine(self) -> Engine:
        return Engine(self.classifier, self.dataset, self.store)

    def close(self) -> None:
        """Write what the store still holds back."""
        if self.store is not None:
            self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def open_session(
    settings: Settings, progress: Progress | None = None, *, dataset: MappedDataset | None = None
) -> Session:
    """Open all that `settings` name; the bundled samples and network for what they do not.

    dataset: one that is open already, instead of theirs.
    """
    dataset = dataset if dataset is not None else open_data(settings, progress)
    classifier = open_network(settings, dataset, progress)
    return Session(dataset, classifier, open_store(settings))


def open_data(settings: Settings, progress: Progress | None = None) -> MappedDataset:
    """The dataset that the settings name, else the bundled faces."""
    from fer_tui.dataset import open_dataset

    source = settings.data
    if source is None:
        import fer_tui_samples

        source = str(fer_tui_samples.faces_path())
    return open_dataset(source, split=settings.split, limit=settings.limit, cache=settings.cache, progress=progress)


def open_network(
    settings: Settings, dataset: MappedDataset | None, progress: Progress | None = None
) -> TorchClassifier:
    """The classifier that the settings name, else the bundled one, with class names that fit the dataset's, if any.

    Of several networks the weights are the checkpoints of one classifier, in their order.
    """
    if progress is not None:
        progress("importing torch", None)
    import torch  # noqa: F401  # here, so that its time is told apart from the network's

    opened = []
    for number, each in enumerate(settings.networks, 1):
        if progress is not None:
            progress(f"opening network {number}" if settings.others else "opening the network", None)
        opened.append(_opened(each, dataset))
    if settings.data is None and dataset is not None:
        check_samples(opened, dataset)
    return together(opened, dataset)


def _opened(settings: Settings, dataset: MappedDataset | None) -> TorchClassifier:
    """The one network that these settings name."""
    from fer_tui.classifier import open_classifier

    weights: tuple[str, ...] | None = settings.weights or None
    if settings.model is None and weights is None:
        import fer_tui_samples

        weights = (str(fer_tui_samples.weights_path()),)
    return open_classifier(
        settings.model,
        weights,
        model_args=settings.model_args,
        weights_key=settings.weights_key,
        mean=settings.mean,
        std=settings.std,
        equalise=settings.equalise,
        transform=settings.transform,
        fit=settings.fit,
        size=settings.size,
        size_hint=dataset.uniform_shape[:2] if dataset is not None and dataset.uniform_shape else None,
        output=settings.output,
        classes=settings.classes or None,
        device=settings.device,
    )


def open_store(settings: Settings, *, read_only: bool = False) -> Stores | None:
    """The stores of explanations, None where the settings name none. read_only: see `Stores.open`."""
    stores = Stores.open(settings.cache, settings.stores, read_only=read_only)
    return stores if any(stores.all) else None
