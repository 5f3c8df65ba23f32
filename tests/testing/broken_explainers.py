"""Explainers that each break one promise, as a module of a package; `Sound` breaks none."""

import dataclasses
import threading
from dataclasses import dataclass

import numpy as np
import torch

from fer_tui.contract import (
    Axis,
    Column,
    Description,
    Explainer,
    Gallery,
    Heatmap,
    InputError,
    Parameters,
    Reply,
    Result,
    Table,
    action,
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


# ---- declarations ----------------------------------------------------------------------------------------------------


class NotInstalled(Sound):
    name = "not-installed"


class Elsewhere(Sound):
    """Its entry point leads to another class of its name."""

    name = "elsewhere"


class ElsewhereFound(Sound):
    name = "elsewhere"


class TwoLines(Sound):
    name = "two-lines"
    help = "one\ntwo"


class Restless(Sound):
    name = "restless"
    told = 0

    @classmethod
    def describe(cls):
        cls.told += 1
        return dataclasses.replace(super().describe(), title=f"told {cls.told} times")


class FalseAxesBy(Sound):
    name = "false-axes-by"
    axes_by = ("variant", {"x": frozenset({Axis.IMAGE})})

    @classmethod
    def describe(cls):
        made = super().describe()

        class Lenient(Description):
            def axes_for(self, parameters):
                return self.axes

        return Lenient(**{field.name: getattr(made, field.name) for field in dataclasses.fields(made)})


class Unhelpful(Sound):
    name = "unhelpful"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(SoundParameters):
        power: float = parameter(1.0, "", low=1)


class FalseWhere(Sound):
    name = "false-where"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(SoundParameters):
        power: float = parameter(1.0, "exponent", low=1, where={"how": ("median",)})


class FailsAtItsBound(Sound):
    name = "fails-at-its-bound"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(SoundParameters):
        parts: int = parameter(2, "how many parts", low=0, high=4)

    def values(self, values, subject):
        return values / 1

    def explain(self, subject, parameters):
        assert 1 // parameters.parts >= 0
        yield from super().explain(subject, parameters)


class FailsWithAChoice(Sound):
    name = "fails-with-a-choice"

    def explain(self, subject, parameters):
        if parameters.how == "mean":
            raise InputError("parameter how", "mean is not written yet")
        yield from super().explain(subject, parameters)


class RefusesWithoutName(Sound):
    name = "refuses-without-name"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(SoundParameters):
        power: float = parameter(1.0, "exponent")

    def explain(self, subject, parameters):
        if parameters.power < 0:
            raise InputError("the number", "must not be negative")
        yield from super().explain(subject, parameters)


# ---- results ---------------------------------------------------------------------------------------------------------


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


# ---- axes ------------------------------------------------------------------------------------------------------------


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


# ---- runs ------------------------------------------------------------------------------------------------------------


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


# ---- manners ---------------------------------------------------------------------------------------------------------


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


# ---- networks and evidence -------------------------------------------------------------------------------------------


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


# ---- actions ---------------------------------------------------------------------------------------------------------


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
