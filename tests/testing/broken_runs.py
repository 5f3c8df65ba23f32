"""Explainers whose runs differ, go on or go wrong."""

import dataclasses
import threading

import numpy as np
from broken_sound import Sound


class Unseeded(Sound):
    name = "unseeded"

    def values(self, values, subject):
        most = np.abs(values).max()
        return values + np.float32(3e-7) * most * np.random.default_rng().random(values.shape, np.float32)


class Remembers(Sound):
    name = "remembers"
    runs = 0

    def explain(self, subject, parameters):
        type(self).runs += 1
        yield from super().explain(subject, parameters)

    def values(self, values, subject):
        return values * np.float32(1 + 3e-7 * (self.runs % 2 + self.runs % 3))


class OtherInABatch(Sound):
    name = "other-in-a-batch"

    def explain_many(self, subjects, parameters):
        for each in super().explain_many(subjects, parameters):
            yield dataclasses.replace(
                each, explanation=dataclasses.replace(each.explanation, values=each.explanation.values * 1.001)
            )


class LeavesOneOut(Sound):
    name = "leaves-one-out"

    def explain_many(self, subjects, parameters):
        yield from super().explain_many(subjects[1:], parameters)


class Falling(Sound):
    name = "falling"

    def explain(self, subject, parameters):
        for each in super().explain(subject, parameters):
            yield dataclasses.replace(each, progress=1 - each.progress / 2)


class StopsEarly(Sound):
    name = "stops-early"

    def explain(self, subject, parameters):
        for each in super().explain(subject, parameters):
            yield dataclasses.replace(each, progress=each.progress / 2)


class NotToBeClosed(Sound):
    name = "not-to-be-closed"

    def explain(self, subject, parameters):
        for each in super().explain(subject, parameters):
            try:
                yield each
            except GeneratorExit:
                yield each
                return


class WorksOn(Sound):
    name = "works-on"

    def explain(self, subject, parameters):
        try:
            yield from super().explain(subject, parameters)
        except GeneratorExit:
            subject.classifier.predict([subject.image])
            raise


class WorksInAThread(Sound):
    name = "works-in-a-thread"

    def explain(self, subject, parameters):
        done = threading.Event()
        thread = threading.Thread(target=done.wait, args=(1,), daemon=True)
        thread.start()
        yield from super().explain(subject, parameters)
        done.set()
        thread.join()
