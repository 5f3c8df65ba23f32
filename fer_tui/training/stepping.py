"""One step of training: a batch is drawn, changed, judged and learned from, all on the device."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from .augmentation import Augmentation, blended
from .averaging import Average
from .feeding import Feed
from .processes import Processes
from .recipe import Recipe

_EAGER = 4  # steps before a CUDA graph is recorded: libraries choose their kernels in them


class Stepper:
    """Steps of one training. On one CUDA device a step is recorded as a CUDA graph after a few, and replayed.

    batch: pictures of a step, over all processes. sums: float32 (2,): loss and right predictions, by pictures.
    """

    def __init__(
        self,
        module: nn.Module,
        average: Average,
        feed: Feed,
        recipe: Recipe,
        classes: int,
        processes: Processes,
        teachers: Sequence[nn.Module] = (),
    ) -> None:
        self._recipe, self._feed, self._processes, self._teachers = recipe, feed, processes, teachers
        self._average, self._augmentation = average, Augmentation(recipe)
        self._network = processes.shared(module)
        self._device = device = feed.labels.device
        self.batch = max(1, min(recipe.batch, len(feed)) // processes.count) * processes.count
        self._targets = feed.targets(classes, recipe.smoothing, recipe.votes)
        prior = self._targets.mean(0).clamp(min=1e-6)
        self._offset = recipe.balance * prior.log()
        self._half = precision(recipe, device) == "bfloat16"
        self._rate = torch.zeros((), device=device)
        cuda = device.type == "cuda"
        self.optimiser = torch.optim.AdamW(
            _grouped(module, recipe.decay), self._rate, betas=(0.9, 0.99), fused=True, capturable=cuda
        )
        if cuda:
            torch.backends.cudnn.benchmark = True  # every batch has the same shape: the search for kernels pays
        self.sums = torch.zeros(2, device=device)
        self._rows = torch.zeros(self.batch, dtype=torch.int64, device=device)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._recordable = cuda and recipe.graphs and processes.count == 1 and feed.on_device
        self._taken = 0
        self.note = ""

    def step(self, rows: torch.Tensor, number: int, rate: float) -> None:
        """Learn from pictures `rows` (batch,), the `number`th step from 0, at this learning rate."""
        self._rate.fill_(rate)
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate
        self._average.prepare(number)
        self._rows.copy_(rows)
        if self._graph is not None:
            self._graph.replay()
            return
        if not self._recordable:
            self._learn()
            return
        if self._taken < _EAGER:
            aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):
                self._learn()
            torch.cuda.current_stream().wait_stream(aside)
            self._taken += 1
            return
        self._record()

    def _record(self) -> None:
        """Record a step as a CUDA graph and replay it; where that fails, go on without."""
        graph = torch.cuda.CUDAGraph()
        try:
            self.optimiser.zero_grad(set_to_none=True)
            with torch.cuda.graph(graph):
                self._learn()
            self._graph = graph
            graph.replay()
        except RuntimeError as error:
            self._recordable = False
            self.note = f"no CUDA graph: {str(error).splitlines()[0]}"
            torch.cuda.synchronize()
            self._learn()

    def _learn(self) -> None:
        images, targets, labels = self._batch()
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._half, cache_enabled=False):
            scores = self._network(images)
            if self._teachers:
                with torch.no_grad():
                    answers = [teacher(images).float() + self._offset for teacher in self._teachers]
                    told = torch.stack([each.softmax(1) for each in answers]).mean(0)
                targets = torch.lerp(targets, told, self._recipe.teach)
        scores = scores.float()
        loss = F.cross_entropy(scores + self._offset, targets)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self._average.update()
        right = (scores.detach().argmax(1) == labels).sum()
        self.sums += torch.stack([loss.detach() * len(labels), right.float()])

    def _batch(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """This process's part: images, targets, and the labels of the pictures that weigh most in them."""
        size = self.batch // self._processes.count
        start = self._processes.rank * size
        drawn = self._augmentation.draw(self.batch, self._device)
        if not self._recipe.mixing:
            rows, drawn = self._rows[start : start + size], drawn[start : start + size]
            images = self._augmentation.changed(self._feed.pictures(rows), drawn)
            return self._feed.normalised(images), self._targets[rows], self._feed.labels[rows]
        # Each picture is blended with the one before it in the whole batch: the part, and one more.
        at = torch.arange(start - 1, start + size, device=self._device) % self.batch
        rows, drawn = self._rows[at], drawn[at]
        images = self._augmentation.changed(self._feed.pictures(rows), drawn)
        shares = self._augmentation.shares(drawn)[1:]
        images, targets = blended(images, shares), blended(self._targets[rows], shares)
        return self._feed.normalised(images), targets, self._feed.labels[rows[1:]]


def precision(recipe: Recipe, device: torch.device) -> str:
    """What the network computes in while it is trained: bfloat16 where the processor has it, unless told else."""
    if recipe.precision != "auto":
        return recipe.precision
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    fast = device.type == "cpu" and _has_bfloat16()
    return "bfloat16" if fast else "float32"


def _has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 itself: where it must be imitated it is slower than float32."""
    asked = [getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")]
    return any(each is not None and each() for each in asked)


def _grouped(module: nn.Module, decay: float) -> list[dict[str, object]]:
    """Matrices and filters decay; biases and the scales of norms do not."""
    parameters = [each for each in module.parameters() if each.requires_grad]
    return [
        {"params": [each for each in parameters if each.ndim > 1], "weight_decay": decay},
        {"params": [each for each in parameters if each.ndim <= 1], "weight_decay": 0.0},
    ]
