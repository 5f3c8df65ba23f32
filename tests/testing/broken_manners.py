"""Explainers that leave something behind."""

import numpy as np
import torch
from broken_sound import Sound

from fer_tui.contract import (
    Explainer,
)


class LeavesAHook(Sound):
    """Cleans up, but not where the generator is closed."""

    name = "leaves-a-hook"

    def explain(self, subject, parameters):
        handle = subject.classifier.module.register_forward_hook(lambda *given: None)
        try:
            yield from super().explain(subject, parameters)
        except Exception:
            handle.remove()
            raise
        handle.remove()


class AddsToGrad(Sound):
    name = "adds-to-grad"

    def derived(self, score, x):
        score.backward()
        return x.grad


class Freezes(Sound):
    name = "freezes"

    def score(self, subject, x):
        subject.classifier.module.requires_grad_(False)
        return super().score(subject, x)


class Trains(Sound):
    name = "trains"

    def explain(self, subject, parameters):
        yield from super().explain(subject, parameters)
        subject.classifier.module.train()


class SeedsForAll(Sound):
    name = "seeds-for-all"

    def explain(self, subject, parameters):
        torch.manual_seed(parameters.seed)
        yield from super().explain(subject, parameters)


class LeavesAHookAfterAnError(Sound):
    name = "leaves-a-hook-after-an-error"

    def explain(self, subject, parameters):
        handle = subject.classifier.module.register_forward_hook(lambda *given: None)
        try:
            yield from super().explain(subject, parameters)
        except GeneratorExit:
            handle.remove()
            raise
        handle.remove()


class HidesErrors(Sound):
    name = "hides-errors"
    explain_many = Explainer.explain_many

    def gradient(self, subject, rng, parameters):
        try:
            return super().gradient(subject, rng, parameters)
        except RuntimeError:
            return np.zeros(subject.classifier.input_shape[1:], np.float32)


class Hoards(Sound):
    name = "hoards"
    all: list[np.ndarray] = []  # noqa: RUF012 - that is what is wrong with it

    def values(self, values, subject):
        self.all.append(values)
        return values


class HoardsTensors(Sound):
    name = "hoards-tensors"
    all: list[torch.Tensor] = []  # noqa: RUF012 - that is what is wrong with it

    def score(self, subject, x):
        self.all.append(x)
        return super().score(subject, x)


class Scribbles(Sound):
    name = "scribbles"

    def inputs(self, subject):
        if subject.image.flags.writeable:
            subject.image[0, 0] = 255
        return super().inputs(subject)


class Chatters(Sound):
    name = "chatters"

    def explain(self, subject, parameters):
        print("explaining", subject.place)
        yield from super().explain(subject, parameters)
