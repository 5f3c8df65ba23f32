"""Explainers whose results, or the axes they depend on, are not what they declare."""

import dataclasses

import numpy as np
from broken_sound import Sound

from fer_tui.contract import (
    Axis,
    Explainer,
    Gallery,
    Heatmap,
    Result,
)


class OfAnotherKind(Sound):
    name = "of-another-kind"

    def heatmap(self, subject, values):
        return Gallery(images=values[None], captions=("one",), scores=np.zeros(1, np.float32))


class HalfAsLarge(Sound):
    name = "half-as-large"

    def heatmap(self, subject, values):
        shown = subject.classifier.shown(subject.image)
        return Heatmap(values=values[::2, ::2], image=np.ascontiguousarray(shown[::2, ::2]), signed=True)


class OtherPicture(Sound):
    name = "other-picture"

    def heatmap(self, subject, values):
        return Heatmap(values=values, image=np.zeros(values.shape, np.uint8), signed=True)


class NotFinite(Sound):
    name = "not-finite"

    def values(self, values, subject):
        values = values.copy()
        values[0, 0] = np.nan
        return values


class NegativeUnsigned(Sound):
    name = "negative-unsigned"

    def heatmap(self, subject, values):
        return Heatmap(values=values, image=subject.classifier.shown(subject.image))


class Colourful(Sound):
    name = "colourful"

    def heatmap(self, subject, values):
        return super().heatmap(subject, values, notes=("\x1b[31mred",))


class WordsInExtras(Sound):
    name = "words-in-extras"

    def heatmap(self, subject, values):
        return super().heatmap(subject, values, extras={"words": np.array(["eyes", "mouth"])})


class EndlessMeta(Sound):
    name = "endless-meta"

    def heatmap(self, subject, values):
        return super().heatmap(subject, values, meta={"gap": float("nan")})


class WritesOn(Sound):
    name = "writes-on"

    def explain(self, subject, parameters):
        shared = np.zeros(subject.classifier.input_shape[1:], np.float32)
        for each in super().explain(subject, parameters):
            shared[:] = each.explanation.values
            yield Result(each.place, self.heatmap(subject, shared), each.final, each.progress)


class NeverFinal(Sound):
    name = "never-final"
    explain_many = Explainer.explain_many

    def result(self, subject, values, share):
        return Result(subject.place, self.heatmap(subject, values), final=False, progress=share)


class OtherPlace(Sound):
    name = "other-place"
    explain_many = Explainer.explain_many

    def result(self, subject, values, share):
        place = dataclasses.replace(subject.place, layer="conv1")
        return Result(place, self.heatmap(subject, values), final=share == 1, progress=share)


class HiddenTarget(Sound):
    name = "hidden-target"
    axes = frozenset({Axis.IMAGE, Axis.CHECKPOINT})

    def score(self, subject, x):
        return subject.classifier.scores(x)[0, subject.place.target or 0]


class HiddenLabel(Sound):
    name = "hidden-label"

    def values(self, values, subject):
        return values * (2 + subject.label)


class HiddenDataset(Sound):
    name = "hidden-dataset"

    def values(self, values, subject):
        return values if subject.dataset is None else values * len(subject.dataset)


class IdleLayer(Sound):
    name = "idle-layer"
    axes = frozenset({*Sound.axes, Axis.LAYER})


class RefusesALayer(Sound):
    """Weighs the gradient with the layer's mean output; breaks at one layer."""

    name = "refuses-a-layer"
    axes = frozenset({*Sound.axes, Axis.LAYER})

    def score(self, subject, x):
        if subject.place.layer.endswith("norm"):
            raise KeyError("norm")
        heard = []
        module = subject.classifier.module.get_submodule(subject.place.layer)
        handle = module.register_forward_hook(lambda module, given, output: heard.append(output.clone()))
        try:
            score = super().score(subject, x)
        finally:
            handle.remove()
        return score * (1 + heard[0].detach().abs().mean())
