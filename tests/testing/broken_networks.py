"""Explainers that fail on some networks or look elsewhere."""

import numpy as np
import torch
from broken_sound import Sound


class NeedsGradients(Sound):
    name = "needs-gradients"

    def gradient(self, subject, rng, parameters):
        x = self.inputs(subject)
        torch.autograd.grad(self.score(subject, x), next(subject.classifier.module.parameters()))
        return super().gradient(subject, rng, parameters)


class NoNetworkInPlace(Sound):
    name = "no-network-in-place"

    def score(self, subject, x):
        heard = []
        handles = [
            each.register_forward_hook(lambda module, given, output: heard.append(given[0]))
            for each in subject.classifier.module.modules()
            if isinstance(each, torch.nn.ReLU)
        ]
        try:
            score = super().score(subject, x)
        finally:
            for each in handles:
                each.remove()
        return score * (1 + sum(float(each.detach().clamp(max=0).abs().sum()) for each in heard[:1]))


class GrayOnly(Sound):
    name = "gray-only"

    def inputs(self, subject):
        x = super().inputs(subject)
        return x.reshape(1, 1, *x.shape[2:])


class FewClasses(Sound):
    name = "few-classes"

    def inputs(self, subject):
        assert len(subject.classifier.classes) < 1000
        return super().inputs(subject)


class OtherTarget(Sound):
    name = "other-target"

    def score(self, subject, x):
        scores = subject.classifier.scores(x)[0]
        return scores[(subject.place.target + 1) % len(scores)]


class Transposed(Sound):
    name = "transposed"

    def values(self, values, subject):
        return np.ascontiguousarray(values.T) if values.shape[0] == values.shape[1] else values
