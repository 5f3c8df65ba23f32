"""A process that makes chunks of a batch: `python -m fer_tui.batch.worker`.

From stdin it reads what to open, a line of JSON, then a chunk a line; to stdout it writes a frame that tells whether it
could open that, then a frame for each chunk. It ends when stdin does.
"""

from __future__ import annotations

import json

from fer_tui.contract import FerTuiError

from . import frames, pipes
from .chunks import Chunk
from .warden import Warden
from .work import Spec, opened, work


def main() -> None:
    answers, lines = pipes.own_stdout(), pipes.lines()
    try:
        engine = opened(Spec.from_dict(json.loads(next(lines))))
    except FerTuiError as error:
        pipes.tell(answers, frames.encode_told(str(error)))
        return
    pipes.tell(answers, frames.encode_told(""))
    warden = Warden()
    for line in lines:
        with warden.present():
            outcome = work(engine, Chunk.from_dict(json.loads(line)))
        warden.rest()
        pipes.tell(answers, frames.encode(outcome))


if __name__ == "__main__":
    main()
