"""Gradient ascent of many pictures at once, each towards its own filter or class, none touched by the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from .ascent_canvas import Canvas
from .ascent_sources import Seen, Source

OBJECTIVES = ("mean", "sum", "centre")
OPTIMISERS = ("adam", "gradient")
_WAVE = 1 << 26  # variables that are climbed together: what Adam remembers of them takes three times their memory
_STEP = 3  # a step's time, forward and back, in looks, which are forward alone
_STILL = 1e-6  # the share by which an activation must change in a whole climb for its filter to be alive
_BETAS, _TINY = (0.9, 0.999), 1e-12


@dataclass(frozen=True, kw_only=True)
class Climb:
    """How to climb; each number as in the explainer's parameters."""

    steps: int
    rate: float
    optimiser: str
    objective: str
    noise: float
    jitter: int
    blur: float
    l2: float
    tv: float
    variants: int
    diversity: float
    space: str
    bounds: str
    seed: int


class Ascent:
    """The pictures of `units` (filters or classes), `variants` of each side by side, and how far they are.

    start, now: float32 (N,), the activation of each picture by the objective without its penalties, NaN where it has
    not begun; in the end that of the picture as it is, not shifted. dead: those whose activation no step changed.
    """

    def __init__(self, canvas: Canvas, source: Source, units: Sequence[int], how: Climb, batch: int) -> None:
        self._canvas, self._source, self._how = canvas, source, how
        self._units = [(unit, variant) for unit in units for variant in range(how.variants)]
        self._batch = max(1, batch // how.variants) * how.variants  # variants of one unit stay together
        self._widths: dict[int, int] = {}
        count = len(self._units)
        self.start, self.now = np.full(count, np.nan, np.float32), np.full(count, np.nan, np.float32)
        self._lowest, self._highest = np.full(count, np.inf), np.full(count, -np.inf)
        self.images: NDArray[np.float32] | None = None
        self._wave: tuple[int, torch.Tensor] | None = None  # the first picture of those under way, their variables

    @property
    def dead(self) -> NDArray[np.bool_]:
        """bool (N,): the activation was finite, and the same in every step."""
        change, size = self._highest - self._lowest, np.maximum(np.abs(self._highest), np.abs(self._lowest))
        dead: NDArray[np.bool_] = np.isfinite(change) & (change <= _STILL * size)
        return dead

    def shown(self, every: int = 1) -> NDArray[np.float32]:
        """float32 (N, H, W[, 3]) in 0..1: the pictures as they are now, gray where they have not begun.

        every: of their rows and columns only each so-manieth, for a quick look.
        """
        assert self.images is not None
        shown = self.images[:, ::every, ::every].copy()
        if self._wave is not None:
            first, variables = self._wave
            for start in range(0, len(variables), 64):
                pictures = self._canvas.decode(variables[start : start + 64])[:, :, ::every, ::every]
                shown[first + start : first + start + len(pictures)] = self._canvas.shown(pictures)
        return shown

    def run(self) -> Iterator[float]:
        """Climb to the end; the share of the time that is past, after every pass through the network."""
        size = max(1, self._canvas.noise(0, [(0, 0)], 0).numel())
        wave = max(1, _WAVE // (size * self._batch)) * self._batch
        whole = -(-len(self._units) // self._batch) * (self._how.steps * _STEP + 2)
        done = 0
        for first in range(0, len(self._units), wave):
            for took in self._climb(first, min(first + wave, len(self._units))):
                done += took
                yield min(1.0, done / whole)

    def _climb(self, first: int, last: int) -> Iterator[int]:
        """One wave: a step of all its pictures, batch by batch, then the next step; before and after, a look.

        After each pass the time that it took, where a look takes 1.
        """
        how, canvas = self._how, self._canvas
        variables = canvas.encode(canvas.noise(how.seed, self._units[first:last], how.noise))
        optimiser = _Adam(variables) if how.optimiser == "adam" else _Gradient()
        if self.images is None:
            blank = canvas.shown(canvas.decode(variables[:1]))
            self.images = np.full((len(self._units), *blank.shape[1:]), 0.5, np.float32)
        self._wave = first, variables
        for step in range(how.steps + 2):
            shift = self._shift(step)
            start = 0
            while start < len(variables):
                rows = slice(start, min(start + self._batch, len(variables)))
                units = [unit for unit, _ in self._units[first + rows.start : first + rows.stop]]
                try:
                    if step in (0, how.steps + 1):
                        self._note(first + start, self._look(units, variables[rows]), begin=step == 0)
                    else:
                        gradient, activations = self._exact(units, variables[rows], shift)
                        self._note(first + start, activations)
                        moved = variables[rows] + how.rate * optimiser.direction(rows, gradient, step)
                        variables[rows] = self._settled(units, moved)
                except torch.OutOfMemoryError:
                    if self._batch <= how.variants:
                        raise
                    self._batch = max(1, self._batch // (2 * how.variants)) * how.variants
                    self._widths.clear()
                    torch.cuda.empty_cache()
                    continue
                start = rows.stop
                yield 1 if step in (0, how.steps + 1) else _STEP
        self.images[first:last] = self.shown()[first:last]
        self._wave = None

    def _shift(self, step: int) -> tuple[int, int]:
        """By how many pixels a step shifts all pictures: the same whichever are climbed."""
        most = self._how.jitter
        if not most:
            return 0, 0
        down, right = np.random.default_rng([self._how.seed, step]).integers(-most, most + 1, 2).tolist()
        return down, right

    # ---- one pass ----------------------------------------------------------------------------------------------------
    # A climb is chaotic: two that differ in the last bit soon differ to the eye. So that a picture is the same in any
    # company, a batch that is not full is filled up to a width at which every bit comes out as in a full batch.

    def _width(self, units: list[int], variables: torch.Tensor) -> int:
        """How many pictures to run these with; found by trial, once for each number of pictures."""
        count = len(variables)
        if count not in self._widths:
            self._widths[count] = self._batch
            if count < self._batch:
                full = self._bits(units, variables, self._batch)
                width = self._how.variants
                while width < self._batch:
                    if width >= count and all(map(torch.equal, full, self._bits(units, variables, width))):
                        self._widths[count] = width
                        break
                    width *= 2
        return self._widths[count]

    def _bits(self, units: list[int], variables: torch.Tensor, width: int) -> tuple[torch.Tensor, ...]:
        """What comes out for these pictures among `width`."""
        gradient, activations = self.slope(*_filled(units, variables, width), (0, 0))
        settled = self._canvas.settled(_filled(units, variables, width)[1], self._how.blur)
        count = len(variables)
        return gradient[:count], activations[:count], settled[:count]

    def _exact(
        self, units: list[int], variables: torch.Tensor, shift: tuple[int, int]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The gradient of the penalised objective with respect to the variables, and the activations (n,)."""
        filled = _filled(units, variables, self._width(units, variables))
        gradient, activations = self.slope(*filled, shift)
        return gradient[: len(variables)], activations[: len(variables)]

    def _settled(self, units: list[int], variables: torch.Tensor) -> torch.Tensor:
        filled = _filled(units, variables, self._width(units, variables))[1]
        return self._canvas.settled(filled, self._how.blur)[: len(variables)]

    def _look(self, units: list[int], variables: torch.Tensor) -> torch.Tensor:
        """The activations (n,) of the pictures as they are."""
        filled_units, filled = _filled(units, variables, self._width(units, variables))
        with torch.no_grad():
            seen = self._seen(filled_units, self._canvas.decode(filled), (0, 0))
            return activation(seen.maps, self._how.objective)[: len(variables)]

    def slope(
        self, units: list[int], variables: torch.Tensor, shift: tuple[int, int]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As `_exact`, of just these pictures; the gradient is 0 where none comes through."""
        with torch.inference_mode(False), torch.enable_grad():
            free = variables.detach().clone().requires_grad_()
            pictures = self._canvas.decode(free)
            seen = self._seen(units, pictures, shift)
            activations = activation(seen.maps, self._how.objective).detach()
            total = climbed(seen, self._how.objective).sum() - self._penalties(pictures, seen)
            gradient = None
            if total.requires_grad:
                (gradient,) = torch.autograd.grad(total, free, allow_unused=True)
        return torch.zeros_like(variables) if gradient is None else gradient, activations

    def _seen(self, units: list[int], pictures: torch.Tensor, shift: tuple[int, int]) -> Seen:
        if any(shift):
            pictures = torch.roll(pictures, shift, (2, 3))
        return self._source(self._canvas.inputs(pictures), torch.tensor(units, device=pictures.device))

    def _penalties(self, pictures: torch.Tensor, seen: Seen) -> torch.Tensor:
        """The penalties of a batch, summed over its pictures, so that none feels how many others there are."""
        how, total = self._how, pictures.new_zeros(())
        if how.l2:
            total = total + how.l2 * (pictures - 0.5).square().mean((1, 2, 3)).sum()
        if how.tv:
            total = total + how.tv * total_variation(pictures).sum()
        if how.diversity and how.variants > 1 and seen.features is not None:
            total = total + how.diversity * likeness(seen.features.float(), how.variants).sum()
        return total

    def _note(self, place: int, activations: torch.Tensor, *, begin: bool = False) -> None:
        """Remember the activations of the pictures from `place` on."""
        values = activations.float().cpu().numpy()
        rows = slice(place, place + len(values))
        self.now[rows] = values
        if begin:
            self.start[rows] = values
        self._lowest[rows] = np.fmin(self._lowest[rows], values)
        self._highest[rows] = np.fmax(self._highest[rows], values)


# ---- the objective ---------------------------------------------------------------------------------------------------


def activation(maps: torch.Tensor, objective: str) -> torch.Tensor:
    """(n,): mean, sum or centre neuron of maps (n, h, w)."""
    if objective == "centre":
        return maps[:, maps.shape[1] // 2, maps.shape[2] // 2]
    return maps.mean((1, 2)) if objective == "mean" else maps.sum((1, 2))


def climbed(seen: Seen, objective: str) -> torch.Tensor:
    """(n,): the activation; where a rectifier lets nothing through it has the gradient of what enters the rectifier.

    So a filter that is silent at the start is not lost (as in Lucid's redirected gradients).
    """
    values = activation(seen.maps, objective)
    if seen.before is None:
        return values
    before = activation(seen.before, objective)
    return torch.where(values == 0, before - before.detach(), values)


def total_variation(pictures: torch.Tensor) -> torch.Tensor:
    """(N,): mean |difference| of neighbours down plus that of neighbours across, of pictures (N, K, H, W)."""
    down, across = pictures.diff(dim=2).abs(), pictures.diff(dim=3).abs()
    return sum((each.mean((1, 2, 3)) for each in (down, across) if each.numel()), pictures.new_zeros(len(pictures)))


def likeness(features: torch.Tensor, variants: int) -> torch.Tensor:
    """(n / variants,): mean cosine of the Gram matrices of features (n, C, h, w), over pairs of variants of one unit.

    Olah et al. 2017, "Feature Visualization", diversity.
    """
    flat = features.flatten(2)
    gram = (flat @ flat.transpose(1, 2)).flatten(1)
    gram = torch.nn.functional.normalize(gram, dim=1).view(-1, variants, gram.shape[1])
    cosines = gram @ gram.transpose(1, 2)
    own = cosines.diagonal(dim1=1, dim2=2).sum(1)
    pairs: torch.Tensor = (cosines.sum((1, 2)) - own) / max(1, variants * (variants - 1))
    return pairs


def _filled(units: list[int], variables: torch.Tensor, width: int) -> tuple[list[int], torch.Tensor]:
    """These pictures, from the first one again and again until there are `width`."""
    count = len(units)
    if width == count:
        return units, variables
    again = [n % count for n in range(width)]
    return [units[n] for n in again], variables[again]


# ---- the step --------------------------------------------------------------------------------------------------------


class _Adam:
    """Adam (Kingma & Ba 2015) for gradient ascent, on rows of one tensor of variables."""

    def __init__(self, variables: torch.Tensor) -> None:
        self._mean, self._square = torch.zeros_like(variables), torch.zeros_like(variables)

    def direction(self, rows: slice, gradient: torch.Tensor, step: int) -> torch.Tensor:
        """The direction of step `step`, from 1 on; about 1 in each variable. 0 where the gradient always was."""
        (first, second), mean, square = _BETAS, self._mean[rows], self._square[rows]
        mean.mul_(first).add_(gradient, alpha=1 - first)
        square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        deviation = (square / (1 - second**step)).sqrt_().add_(_TINY)
        return mean / (1 - first**step) / deviation


class _Gradient:
    """The gradient, brought to a root mean square of 1 for each picture; 0 where it is 0."""

    def direction(self, rows: slice, gradient: torch.Tensor, step: int) -> torch.Tensor:
        size = gradient.square().mean(tuple(range(1, gradient.ndim)), keepdim=True).sqrt()
        return torch.where(size > 0, gradient / size.clamp(min=torch.finfo(size.dtype).tiny), gradient)
