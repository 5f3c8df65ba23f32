"""A pooling head for a network without one: a linear layer, fitted to the means of a layer's maps over the dataset."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fer_tui.contract import Classifier, Dataset, InputError, Kept

from .cam_head import Head
from .capturing import captured

_TRAINING = ("train", "training")
_PENALTY = 1e-4  # of the squared weights of standardised means, as in a usual weight decay
_ROUNDS = 200  # of L-BFGS at most


@dataclass(frozen=True, eq=False, slots=True)
class Fit:
    """A fitted head; accuracy: its share of right predictions on the `rows` rows of `split` that it was fitted to."""

    head: Head
    accuracy: float
    rows: int
    split: str


def fitted_head(
    classifier: Classifier, dataset: Dataset | None, layer: str, kept: Kept | None
) -> Generator[float, None, Fit]:
    """Yields the share that is done, 0 to 1, and returns the fit; one that is kept is returned at once.

    Fitted to the training split where the dataset has one, else to the rows that are open. InputError without labels.
    """
    if dataset is None:
        raise InputError("dataset", "gap-fit fits a layer to one, and none is open", "name one with --data")
    split = next((each for each in dataset.splits if each.casefold() in _TRAINING), None)
    rows = dataset.narrowed(split) if split is not None else dataset
    name = f"gap-fit {layer} {split if split is not None else f'{len(rows)} rows'}"
    found = kept.get(name) if kept is not None else None
    if found is None:
        found = yield from _made(classifier, rows, layer)
        if kept is not None:
            kept.put(name, found)
    head = Head(layer, *(torch.tensor(found[each], device=classifier.device) for each in ("weights", "bias")))
    return Fit(head, float(found["accuracy"]), int(found["rows"]), split or "the open rows")


def _made(classifier: Classifier, rows: Dataset, layer: str) -> Generator[float, None, Mapping[str, NDArray[Any]]]:
    labels = np.asarray(rows.labels)
    labelled = np.flatnonzero(labels >= 0)
    if len(np.unique(labels[labelled])) < 2:
        raise InputError("dataset", "gap-fit needs labelled rows of at least two classes", "name one with --data")
    fast, _ = classifier.folded(hooked=(layer,))

    def run(start: int, stop: int) -> Callable[[], list[NDArray[np.float32]]]:
        with torch.no_grad(), captured(fast, [layer]) as outputs:
            fast.scores(fast.inputs(rows.images(start, stop)))
            return fast.fetching(outputs[layer].float().mean((2, 3)))

    means = []
    for _, stop, made in fast.in_batches(len(labels), run, "means"):
        means.append(torch.from_numpy(made()[0]))
        yield 0.95 * stop / len(labels)
    known = torch.cat(means)[labelled]
    truth = torch.from_numpy(labels[labelled])
    weights, bias = logistic(known, truth, len(classifier.classes))
    right = (known @ weights.T + bias).argmax(1) == truth
    yield 1.0
    return {
        "weights": weights.numpy(),
        "bias": bias.numpy(),
        "accuracy": np.array(right.double().mean().item()),
        "rows": np.array(len(labelled)),
    }


def logistic(means: torch.Tensor, labels: torch.Tensor, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Softmax regression by L-BFGS: weights (classes, K) and bias (classes,) for means (N, K) and labels (N,).

    The mean cross-entropy plus 1e-4 / 2 times the squared weights of the standardised means is least.
    """
    with torch.enable_grad():
        x = means.double()
        centre, width = x.mean(0), x.std(0).clamp(min=1e-8)
        x = (x - centre) / width
        parameters = torch.zeros(classes, x.shape[1] + 1, dtype=torch.float64, requires_grad=True)
        optimiser = torch.optim.LBFGS([parameters], max_iter=_ROUNDS, line_search_fn="strong_wolfe")

        def loss() -> torch.Tensor:
            optimiser.zero_grad()
            scores = x @ parameters[:, :-1].T + parameters[:, -1]
            value = torch.nn.functional.cross_entropy(scores, labels) + _PENALTY / 2 * parameters[:, :-1].square().sum()
            value.backward()  # type: ignore[no-untyped-call]
            return value

        optimiser.step(loss)  # type: ignore[no-untyped-call]
    found = parameters.detach()
    weights = found[:, :-1] / width
    return weights.float(), (found[:, -1] - weights @ centre).float()
