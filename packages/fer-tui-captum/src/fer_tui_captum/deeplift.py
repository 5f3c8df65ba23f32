"""DeepLIFT: what each pixel adds to the difference from a reference, through rules instead of gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

from fer_tui.contract import Axis, Parameters, Subject, Value, parameter

from .aside import Aside, pass_size
from .baselines import BASELINE_HELP, BASELINES, baseline, references
from .maps import Attribution, CaptumExplainer, adds_up, difference, input_of, target_of
from .rescaling import GAP, POOLING_HELP, POOLINGS, chunks, for_deeplift, rescale_rules
from .unrolled import Unrolled

_ONE, _MANY = {"variant": ("deeplift",)}, {"variant": ("deeplift-shap",)}


@dataclass(frozen=True, kw_only=True)
class DeepLiftParameters(Parameters):
    variant: str = parameter(
        "deeplift",
        "against one baseline, or the mean against pictures of the data",
        choices=("deeplift", "deeplift-shap"),
    )
    baseline: str = parameter("zero", f"deeplift: {BASELINE_HELP}", choices=BASELINES, where=_ONE)
    value: int = parameter(128, "brightness of baseline=value", low=0, high=255, where={**_ONE, "baseline": ("value",)})
    references: int = parameter(
        32, "deeplift-shap: pictures of the data, drawn by the seed", unit="pictures", low=2, high=1000, where=_MANY
    )
    pooling: str = parameter("captum", POOLING_HELP, choices=POOLINGS)
    eps: float = parameter(
        1e-10, "deeplift: difference below which an activation passes its gradient", low=0, high=1, where=_ONE
    )


class DeepLift(CaptumExplainer[DeepLiftParameters]):
    """captum's DeepLift (Shrikumar et al. 2017, rescale rule) and DeepLiftShap (Lundberg and Lee 2017).

    values: (x - b) m, summed over channels; m is a product of differences out/in over every activation and of the
    weights between. They sum up to y(x) - y(b); meta has the "sum" and the "difference".
    """

    name = "captum-deeplift"
    title = "DeepLIFT (captum)"
    help = "What each pixel adds to the score's difference from a baseline, or from pictures of the data."
    cost = "cheap"
    axes = frozenset({Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT})
    needs_dataset_by = ("variant", {"deeplift-shap": True})
    aliases: ClassVar[Mapping[str, Mapping[str, Value]]] = {
        "deeplift": {"variant": "deeplift"},
        "deeplift-shap": {"variant": "deeplift-shap"},
        "deep-shap": {"variant": "deeplift-shap"},
    }
    Parameters = DeepLiftParameters

    @classmethod
    def is_linear(cls, parameters: DeepLiftParameters) -> bool:
        return True

    def prepared(self, subject: Subject, parameters: DeepLiftParameters) -> Unrolled:
        return for_deeplift(subject.classifier, parameters.pooling)

    def attributions(
        self, subject: Subject, parameters: DeepLiftParameters, prepared: Unrolled
    ) -> Iterator[Attribution]:
        from captum import attr

        aside, target, x = Aside(parameters.seed), target_of(subject), input_of(subject)
        if parameters.variant == "deeplift":
            base = baseline(subject.classifier, x, parameters.baseline, parameters.value)
            with aside(), rescale_rules():
                method = attr.DeepLift(prepared.network, eps=parameters.eps)
                found = method.attribute(x.clone(), base, target).detach()
            meta, notes = adds_up(float(found.sum()), difference(subject, x, base), GAP)
            yield Attribution(values=found[0], meta=meta, notes=notes)
            return
        pictures = references(subject, parameters.references, parameters.seed)
        total, done = torch.zeros_like(x), 0
        for part in chunks(pictures, pass_size(subject.classifier) // 2):
            with aside(), rescale_rules():
                method = attr.DeepLiftShap(prepared.network)
                total += method.attribute(x.clone(), part.clone(), target).detach() * len(part)
            done += len(part)
            if done < len(pictures):
                yield Attribution(values=total[0] / done, progress=done / len(pictures))
        meta, notes = adds_up(float(total.sum() / done), difference(subject, x, pictures), GAP)
        yield Attribution(values=total[0] / done, meta={"references": done, **meta}, notes=notes)
