"""How strongly each filter of a layer answers to images: means over its maps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from fer_tui.contract import InputError

from .keys import activations_key

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .engine import Engine


def layer_activations(
    engine: Engine, layer: str, rows: Sequence[int], checkpoint: int | None = None
) -> Iterator[tuple[float, NDArray[np.float32] | None]]:
    """(share that is done, None), then (1, float32 (rows, filters)): the mean of each filter's map for each row.

    Kept in the store. InputError where the layer has no maps, or no dataset is open.
    """
    if engine.dataset is None:
        raise InputError("dataset", "none is open", "name one with --data")
    dataset = engine.dataset
    classifier = engine.classifier.at(checkpoint if checkpoint is not None else engine.classifier.default)
    if not (filters := classifier.layer(layer).filters):
        raise InputError(f"layer {layer}", "its output is not (filters, height, width)", "name another one")
    key = activations_key(classifier.digest, layer, [dataset.image_digest(row) for row in rows])
    blob = engine.store.get(key) if engine.store is not None else None
    if blob is not None:
        yield 1.0, np.frombuffer(blob, "<f4").reshape(len(rows), filters)
        return
    means = np.empty((len(rows), filters), np.float32)
    caught: list[torch.Tensor] = []

    def run(start: int, stop: int) -> None:
        caught.clear()
        with torch.no_grad():
            classifier.scores(classifier.inputs([dataset[row].image for row in rows[start:stop]]))
            means[start:stop] = caught[-1].float().mean((2, 3)).cpu().numpy()

    def catch(module: torch.nn.Module, given: Any, output: torch.Tensor) -> None:
        caught.append(output.detach().clone())  # what follows may overwrite it

    with classifier.untouched():
        classifier.module.get_submodule(layer).register_forward_hook(catch)
        for _, stop, _ in classifier.in_batches(len(rows), run, "activations of the report"):
            yield stop / len(rows), None
    if engine.store is not None:
        engine.store.put(key, means.astype("<f4").tobytes(), method="activations")
    yield 1.0, means
