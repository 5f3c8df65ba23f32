"""fer-tui similar: the most similar images of the training split, by the network's own features."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from fer_tui.contract import plain

from . import flags, streams
from .explain import row_of
from .progress import Narrator

if TYPE_CHECKING:
    from fer_tui.engine.messages import Neighbour

EXAMPLES = (
    "fer-tui similar --image 41                    of the bundled faces",
    "fer-tui similar --image 3 --data fer2013.csv --split PublicTest --model nets.py:Net --weights net.pt",
)
_COUNT = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    whole = flags.typed(flags.whole)
    parser.add_argument("--image", metavar="I", type=whole, default=0, help="a row of the data (row 0 if absent)")
    parser.add_argument("--k", metavar="N", type=whole, default=_COUNT, help=f"how many ({_COUNT} if absent)")
    parser.add_argument("--checkpoint", metavar="N", type=whole, help="which of several weights, from 0")
    flags.add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    settings = flags.settings_of(arguments).settings
    with Narrator() as tell:
        from fer_tui.engine import open_session
        from fer_tui.engine.similar import Features

        with open_session(settings, tell) as session:
            row = row_of(str(arguments.image), session)
            features = Features(session.engine(), arguments.checkpoint)
            for share in features.make():
                tell("features", share)
            found = features.nearest(row, arguments.k)
        split, classes = features.dataset.split, features.dataset.classes
    if arguments.json:
        told = [_facts(each, classes) for each in found]
        streams.put_json({"image": row, "split": split, "distance": "1 - cosine", "similar": told})
        return 0
    streams.say(
        f"most similar to image {row}, in {plain(split) if split else 'the data'}, by 1 - cosine of the features"
    )
    streams.put("  image  distance  true → predicted")
    for each in found:
        facts = _facts(each, classes)
        streams.put(f"{each.row:>7}  {each.distance:8.4f}  {facts['label'] or '–'} → {facts['predicted']}")
    return 0


def _facts(each: Neighbour, classes: tuple[str, ...]) -> dict[str, object]:
    return {
        "row": each.row,
        "source_row": each.source,
        "label": plain(classes[each.label]) if each.label >= 0 else None,
        "predicted": plain(classes[each.predicted]),
        "distance": round(each.distance, 6),
    }
