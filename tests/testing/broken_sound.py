"""An explainer that breaks no promise: those of the modules beside it each break one."""

from dataclasses import dataclass

import numpy as np
import torch

from fer_tui.contract import (
    Axis,
    Explainer,
    Heatmap,
    Parameters,
    Result,
    parameter,
)


@dataclass(frozen=True, kw_only=True)
class SoundParameters(Parameters):
    samples: int = parameter(3, "noisy copies", low=1, high=8)
    noise: float = parameter(0.1, "their standard deviation", low=0, high=1)
    how: str = parameter("sum", "how they become one", choices=("sum", "mean"))


class Sound(Explainer):
    """The mean of gradients at noisy copies, better and better. What the broken ones change has a method of its own."""

    name = "sound"
    title = "Sound"
    help = "Keeps every promise."
    version = "1"
    kind = "heatmap"
    axes = frozenset({Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT})
    Parameters = SoundParameters

    def explain(self, subject, parameters):
        rng = np.random.default_rng(parameters.seed)
        total = 0
        for done in range(1, parameters.samples + 1):
            total = total + self.gradient(subject, rng, parameters)
            share = done / parameters.samples
            yield self.result(subject, self.values(total / done, subject), share)

    def explain_many(self, subjects, parameters):
        for subject in subjects:
            yield from (each for each in self.explain(subject, parameters) if each.final)

    def gradient(self, subject, rng, parameters):
        x = self.inputs(subject)
        x = x + torch.from_numpy(parameters.noise * rng.standard_normal(x.shape, np.float32))
        x.requires_grad_()
        return self.derived(self.score(subject, x), x)[0].sum(0).numpy()

    def inputs(self, subject):
        return subject.classifier.inputs([subject.image])

    def score(self, subject, x):
        return subject.classifier.scores(x)[0, subject.place.target]

    def derived(self, score, x):
        return torch.autograd.grad(score, x)[0]

    def values(self, values, subject):
        return values

    def result(self, subject, values, share):
        return Result(subject.place, self.heatmap(subject, values), final=share == 1, progress=share)

    def heatmap(self, subject, values, **more):
        return Heatmap(values=values, image=subject.classifier.shown(subject.image), signed=True, **more)
