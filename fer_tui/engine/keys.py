"""The store's keys: everything that an explanation depends on, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from fer_tui.contract import Axis, Description, Place, Value

if TYPE_CHECKING:
    from fer_tui.dataset import MappedDataset


def explanation_key(
    description: Description,
    parameters: Mapping[str, Value],
    place: Place,
    *,
    classifier_digest: str,
    image_digest: str | None = None,
    dataset_key: str | None = None,
    label: int = -1,
) -> str:
    """32 hexadecimal digits. `place` has its target resolved; image and checkpoint count by digest, not by number.

    dataset_key: digest, split and limit of the dataset; used only where these parameters need the dataset, and with it
    the image's label, for the same picture may be there twice, with two labels.
    """
    key = key_by_image(
        description, parameters, place, classifier_digest=classifier_digest, dataset_key=dataset_key, label=label
    )
    return key(image_digest)


def key_by_image(
    description: Description,
    parameters: Mapping[str, Value],
    place: Place,
    *,
    classifier_digest: str,
    dataset_key: str | None = None,
    label: int = -1,
) -> Callable[[str | None], str]:
    """`explanation_key` as a function of the image's digest, for many images at places that are alike."""
    axes = description.axes_for(parameters)
    has_image = Axis.IMAGE in axes
    before = _text(
        "explanation",
        description.distribution,
        description.name,
        description.version,
        dict(sorted(parameters.items())),
        place.on(axes - {Axis.IMAGE, Axis.CHECKPOINT}).to_dict(),
        classifier_digest,
    )[:-1]
    data = [dataset_key, label if has_image else -1] if description.needs_dataset_for(parameters) else None
    after = _text(data)[1:]

    def key(image_digest: str | None) -> str:
        image = _text(image_digest if has_image else None)[1:-1]
        return _digest_of(f"{before}, {image}, {after}")

    return key


def key_at(
    description: Description,
    parameters: Mapping[str, Value],
    place: Place,
    dataset: MappedDataset | None,
    classifier_digests: Sequence[str],
) -> str:
    """The key of an explanation of a row of `dataset` under one of several checkpoints, whose digests these are.

    InputError: its picture cannot be read.
    """
    row = place.image if dataset is not None else None
    return explanation_key(
        description,
        parameters,
        place,
        classifier_digest=classifier_digests[place.checkpoint or 0],
        image_digest=dataset.image_digest(row) if dataset is not None and row is not None else None,
        dataset_key=dataset.key if dataset is not None else None,
        label=int(dataset.labels[row]) if dataset is not None and row is not None else -1,
    )


def action_key(key: str, action: str) -> str:
    """The key of what an action makes; `key`: that of an explanation on the action's axes. '' is no action."""
    return _digest("action", key, action) if action else key


def judged_key(key: str, *, ends: bool = False) -> str:
    """The key of an explanation with what was found of its trust; `key`: that of the explanation alone."""
    return _digest("judged", key, "ends") if ends else _digest("judged", key)


def activations_key(classifier_digest: str, layer: str, image_digests: list[str]) -> str:
    """The key of a layer's mean activations on these images."""
    return _digest("activations", classifier_digest, layer, image_digests)


def features_key(classifier_digest: str, dataset_key: str, start: int, stop: int) -> str:
    """The key of the features of rows start to stop - 1."""
    return _digest("features", classifier_digest, dataset_key, start, stop)


def company_key(keys: Sequence[str]) -> str:
    """The key of several explanations that are made together, in this order."""
    return _digest("together", *keys)


def contrast_key(key: str, against: int) -> str:
    """The key of a contrast with the class `against`; `key`: that of the explanation of the target."""
    return _digest("contrast", key, against)


def scores_key(classifier_digest: str, dataset_key: str, start: int, stop: int) -> str:
    """The key of the raw scores of rows start to stop - 1."""
    return _digest("scores", classifier_digest, dataset_key, start, stop)


def size_key(chunk: Mapping[str, object]) -> str:
    """The key of how many places a batch makes at once, of what such a chunk is about."""
    return _digest("size", dict(sorted(chunk.items())))


def kept_key(description: Description, name: str, *digests: str) -> str:
    """The key of what an explainer keeps of its own under `name`; digests: of what it was made from."""
    return _digest("kept", description.distribution, description.name, description.version, name, *digests)


def _digest(*parts: object) -> str:
    return _digest_of(_text(*parts))


def _text(*parts: object) -> str:
    return json.dumps(parts, ensure_ascii=False)


def _digest_of(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
