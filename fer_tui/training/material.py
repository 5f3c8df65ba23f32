"""The pictures to train on and to measure with, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_tui.contract import InputError

from .votes import read_votes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fer_tui.classifier import TorchClassifier
    from fer_tui.dataset import MappedDataset

    Tell = Callable[[str, float | None], None]

_BLOCK = 512


@dataclass(eq=False)
class Pictures:
    """pixels: uint8 (n, h, w) or (n, h, w, 3), as the network takes them. labels: int64 (n,). votes: float32 (n, k)."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    votes: NDArray[np.float32] | None = None
    digests: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.digests:
            self.digests = [blake2b(each.tobytes(), digest_size=16).digest() for each in self.pixels]

    def __len__(self) -> int:
        return len(self.labels)

    def chosen(self, rows: NDArray[Any]) -> Pictures:
        """These rows (indices, or a truth value for each)."""
        indices = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        votes = self.votes[indices] if self.votes is not None else None
        return Pictures(self.pixels[indices], self.labels[indices], votes, [self.digests[row] for row in indices])

    def joined(self, other: Pictures) -> Pictures:
        """Both; the other's have no votes where only these do."""
        votes = self.votes
        if votes is not None:
            votes = np.concatenate([votes, np.zeros((len(other), votes.shape[1]), np.float32)])
        pixels, labels = np.concatenate([self.pixels, other.pixels]), np.concatenate([self.labels, other.labels])
        return Pictures(pixels, labels, votes, self.digests + other.digests)


@dataclass(frozen=True, eq=False)
class Material:
    """training, validation (None: none): what is trained on and measured with. about: for run.json."""

    training: Pictures
    validation: Pictures | None
    about: dict[str, Any]


def gather(
    dataset: MappedDataset,
    classifier: TorchClassifier,
    *,
    validation_split: str | None = None,
    also: Sequence[MappedDataset] = (),
    votes: Path | None = None,
    hold_out: float = 0.1,
    seed: int = 0,
    tell: Tell | None = None,
) -> Material:
    """Pictures of `dataset` and, for training alone, of the datasets in `also`, whose classes are the dataset's.

    Measured with: `validation_split`, or else a share of the pictures, of each class alike. No picture trained on is
    equal to one that is measured with, or to one of the dataset's other splits (copies cross FER2013's splits).
    """
    say = tell or (lambda text, share: None)
    given = _read(dataset, classifier, say)
    if votes is not None:
        given.votes = _votes_of(dataset, votes)
    labelled = given.labels >= 0
    pool = given.chosen(labelled)
    validation = None
    if validation_split is not None:
        measured = _read(dataset.narrowed(validation_split), classifier, say)
        validation = measured.chosen(measured.labels >= 0)
    elif hold_out:
        apart = _held_out(pool, hold_out, seed)
        validation, pool = pool.chosen(apart), pool.chosen(~apart)
    extra = [_read(each.aligned(dataset.classes), classifier, say) for each in also]
    for each in extra:
        pool = pool.joined(each.chosen(each.labels >= 0))
    foreign = set(validation.digests) if validation is not None else set()
    for split in dataset.splits:
        if dataset.split is not None and split not in (dataset.split, validation_split):
            foreign.update(_read(dataset.narrowed(split), classifier, say).digests)
    kept = np.array([each not in foreign for each in pool.digests], np.bool_)
    training = pool.chosen(kept)
    if len(training) < 2:
        raise InputError(dataset.name, f"leaves {len(training)} pictures to train on", "open a larger split")
    about: dict[str, Any] = {
        "name": dataset.name,
        "digest": dataset.digest,
        "split": dataset.split,
        "rows": len(dataset),
        "used": len(training),
        "dropped": int((~kept).sum()),
        "counts": _counts(training, dataset.classes),
        "votes": votes is not None,
        "also": [{"name": each.name, "digest": each.digest, "rows": len(each)} for each in also],
        "validation": None,
    }
    if validation is not None:
        about["validation"] = {
            "name": dataset.name,
            "split": validation_split,
            "held_out": None if validation_split is not None else hold_out,
            "rows": len(validation),
            "counts": _counts(validation, dataset.classes),
        }
    return Material(training, validation, about)


def _counts(pictures: Pictures, classes: Sequence[str]) -> dict[str, int]:
    return dict(zip(classes, np.bincount(pictures.labels, minlength=len(classes)).tolist(), strict=True))


def _read(dataset: MappedDataset, classifier: TorchClassifier, tell: Tell) -> Pictures:
    """Every picture, as the network sees it before it is normalised."""
    channels, height, width = classifier.input_shape
    pixels = np.empty((len(dataset), height, width) if channels == 1 else (len(dataset), height, width, 3), np.uint8)
    for start in range(0, len(dataset), _BLOCK):
        for row, image in enumerate(dataset.images(start, start + _BLOCK), start):
            pixels[row] = classifier.shown(image)
        tell(f"reading {dataset.name}", min(1.0, (start + _BLOCK) / len(dataset)))
    return Pictures(pixels, dataset.labels)


def _votes_of(dataset: MappedDataset, path: Path) -> NDArray[np.float32]:
    """The votes on the rows of `dataset`: the file has a row for each of them, or for each of the whole source."""
    votes = read_votes(path)
    whole = len(dataset.narrowed(None))
    if len(votes) == whole:
        return votes[dataset.source_rows]
    if len(votes) != len(dataset):
        there = f"{len(dataset)} rows" + (f" of {whole}" if whole != len(dataset) else "")
        raise InputError(path, f"has votes on {len(votes)} pictures, and {dataset.name} has {there}")
    return votes


def _held_out(pictures: Pictures, share: float, seed: int) -> NDArray[np.bool_]:
    """A share of each class, at least one of it where there are two; copies of one picture stay together."""
    chance = np.random.default_rng([seed, 0x5E])
    apart = np.zeros(len(pictures), np.bool_)
    rows_of: dict[bytes, list[int]] = {}
    for row, digest in enumerate(pictures.digests):
        rows_of.setdefault(digest, []).append(row)
    groups = list(rows_of.values())
    first = np.array([pictures.labels[rows[0]] for rows in groups])
    for label in np.unique(first):
        members = chance.permutation(np.flatnonzero(first == label))
        count = max(1, round(share * len(members))) if len(members) > 1 else 0
        for group in members[:count]:
            apart[groups[group]] = True
    return apart
