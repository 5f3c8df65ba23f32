"""Explainers with an action, sound and broken."""

import numpy as np
import torch
from broken_sound import Sound

from fer_tui.contract import (
    Axis,
    Column,
    Reply,
    Result,
    Table,
    action,
)


class Acting(Sound):
    """With an action; breaks none."""

    name = "acting"

    @action("All classes", "Tells every class's score.", axes={Axis.IMAGE, Axis.CHECKPOINT})
    def all_classes(self, subject, parameters):
        yield Result(subject.place, Reply(text="asking"), final=False, progress=0.5)
        scores = subject.classifier.predict([subject.image])[0]
        table = Table((Column("class", link=Axis.TARGET), Column("score")), list(enumerate(scores.tolist())))
        yield Result(subject.place, Reply(text=self.word(), tables={"classes": table}), progress=1.0)

    def word(self):
        return "all of them"


class ActsAtRandom(Acting):
    name = "acts-at-random"

    def word(self):
        return str(np.random.default_rng().random())


class ActsOnTheSeed(Acting):
    name = "acts-on-the-seed"

    def word(self):
        return str(torch.manual_seed(0).initial_seed())
