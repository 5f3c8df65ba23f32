"""The pointing game (Zhang et al. 2018) on drawn faces, whose parts are known: where a map is strongest is evidence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_tui.contract import Heatmap, Place
from fer_tui.engine import Settings, open_session
from fer_tui_samples import load_masks

ROWS = 70  # ten of each class


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("saliency", {}),
        ("saliency", {"variant": "integrated"}),
        ("saliency", {"variant": "smoothgrad"}),
        ("saliency", {"variant": "occlusion"}),
        ("cam", {}),
        ("cam", {"variant": "grad"}),
        ("cam", {"variant": "layer"}),
    ],
)
def test_the_strongest_pixel_lies_in_the_features_of_the_face(
    method: str, parameters: dict[str, object], tmp_path: Path
) -> None:
    masks = load_masks()
    features = np.any([masks[name] for name in ("eyes", "brows", "nose", "mouth")], axis=0)
    with open_session(Settings(limit=ROWS, device="cpu", cache=str(tmp_path))) as session:
        engine = session.engine()
        labels = np.asarray(session.dataset.labels)
        guesses = np.concatenate([scores for _, scores in engine.scores()]).argmax(1)
        rows = np.flatnonzero(guesses == labels).tolist()
        places = [Place(image=row, target=int(labels[row])) for row in rows]
        made = [each.explanation for each in engine.explain_many(method, places, parameters)]
    assert len(rows) > 0.8 * ROWS
    hits, chance = [], []
    for row, heatmap in zip(rows, made, strict=True):
        assert isinstance(heatmap, Heatmap)
        top, left = np.unravel_index(int(heatmap.values.argmax()), heatmap.values.shape)
        near = features[row][max(0, top - 2) : top + 3, max(0, left - 2) : left + 3]  # to within two pixels
        hits.append(bool(near.any()))
        grown = np.pad(features[row], 2)
        chance.append(
            np.mean([grown[d : d + 48, r : r + 48] for d in range(5) for r in range(5)], axis=0).astype(bool).mean()
        )
    assert np.mean(hits) > 1.4 * np.mean(chance), f"{np.mean(hits):.2f} hits, {np.mean(chance):.2f} by chance"
