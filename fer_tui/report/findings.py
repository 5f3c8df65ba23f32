"""Findings: sentences that are computed from the data, and printed only if their numbers hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_tui.contract import plain
from fer_tui.regions import Estimate, FocusTable, Group
from fer_tui.regions.statistics import interval, resampled_means
from fer_tui.regions.table import SIGNIFICANT
from fer_tui.regions.tally import RESAMPLES

from .material import METHODS, FirstLayer, Material, Pair, Shares
from .means import Likeness
from .statistics import LEAST_P, binomial_tail, differences, expected_mistakes, labels_p, ranking

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STRONGEST = 3  # filters that are named
_MOST_NAMED = 4  # classes or regions in one sentence


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence and the numbers behind it. holds: False where it says that the data do not show something."""

    text: str
    holds: bool
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {"text": self.text, "holds": self.holds, "numbers": dict(self.numbers)}


def mean_of(values: NDArray[np.float64], seed: int) -> Estimate:
    """The mean of (n,) values with its 95 % bootstrap interval."""
    if len(values) < 2:
        return Estimate(float(values.mean()))
    low, high = interval(resampled_means(values[:, None], RESAMPLES, seed))
    return Estimate(float(values.mean()), float(low[0]), float(high[0]))


def _p(value: float) -> str:
    return f"p = {value:.4f}" if value >= 0.0001 else "p < 0.0001"


def _permuted(value: float) -> str:
    """A p-value by permutation, which cannot fall below one in all that were tried."""
    return _p(value) if value > LEAST_P else f"p ≤ {LEAST_P:.4f}"


# ---- where it looks --------------------------------------------------------------------------------------------------


def of_regions(material: Material, method: str) -> Iterator[Finding]:
    """Where the attribution lies, by region and by class."""
    table, shares = material.focus.get(method), material.shares.get(method)
    if table is None or shares is None or table.whole is None or table.whole.every is None:
        yield Finding("No regions are known for these pictures, so shares by region cannot be told.", False)
        return
    title = material.title(method)
    yield from _drawn(table.whole.every, title)
    yield from _between_classes(table, shares, title, material.seed)
    yield from _right_and_wrong(table, title)


def _drawn(every: Group, title: str) -> Iterator[Finding]:
    """The regions that draw more, and less, than their size."""
    known = [each for each in every.regions if each.lift is not None and each.lift.low is not None]
    order = [known[n] for n in ranking(e.lift.value for e in known)]  # type: ignore[union-attr]
    above = [e for e in order if e.lift.low > 1]  # type: ignore[union-attr, operator]
    below = [e for e in reversed(order) if e.lift.high < 1]  # type: ignore[union-attr, operator]
    for some, told in ((above, "more"), (below, "less")):
        parts = [
            f"{plain(e.name)} {e.absolute.told()} % on {e.area:.1%} of the picture (×{e.lift.told(1, 2)})"
            for e in some[:_MOST_NAMED]
            if e.lift is not None
        ]
        numbers = {e.name: {"share": e.absolute.value, "area": e.area, "lift": e.lift.value} for e in some if e.lift}
        if parts:
            yield Finding(f"{title} draws {told} than the size of: {'; '.join(parts)}.", True, numbers)
    if not above and not below:
        yield Finding(
            f"No region draws more or less {title} than its size: the data do not show that any counts.", False
        )


def _between_classes(table: FocusTable, shares: Shares, title: str, seed: int) -> Iterator[Finding]:
    found = differences(shares.values, shares.labels, seed)
    if found is None:
        return
    numbers = {"p": dict(zip(shares.names, found.p.tolist(), strict=True)), "images": len(shares.labels)}
    sure = [n for n in ranking(found.f) if found.p[n] <= SIGNIFICANT]
    if not sure:
        told = (
            f"No region's share of {title} differs between the classes by more than chance ({_permuted(found.least_p)})"
        )
        yield Finding(f"{told}: the data do not show that the classes are read in different places.", False, numbers)
        return
    for n in sure[:_MOST_NAMED]:
        known = [(e.name, e.every.regions[n].absolute) for e in table.classes if e.every is not None]
        known = [known[n] for n in ranking(share.value for _, share in known)]
        (most, high), (least, low) = known[0], known[-1]
        if high.low is None or low.high is None or high.low <= low.high:
            continue
        p = _permuted(float(found.p[n]))
        head = f"The share of {title} in {plain(shares.names[n])} differs between the classes ({p})"
        text = f"{head}: most for {plain(most)}, {high.told()} %; least for {plain(least)}, {low.told()} %."
        yield Finding(text, True, {"p": float(found.p[n]), most: high.value, least: low.value})


def _right_and_wrong(table: FocusTable, title: str) -> Iterator[Finding]:
    found = table.difference
    if found is None or found.low is None or found.high is None:
        return
    sure = found.low > 0 or found.high < 0
    head = f"Share of {title} inside the face, right less wrong, mean over the classes: {found.value * 100:+.1f} points"
    told = "right and wrong predictions differ" if sure else "the data show no difference"
    numbers = {"difference": found.value, "low": found.low, "high": found.high}
    yield Finding(f"{head} [{found.low * 100:+.1f}, {found.high * 100:+.1f}]: {told}.", sure, numbers)


# ---- filters ---------------------------------------------------------------------------------------------------------


def of_filters(first: FirstLayer | None, classes: tuple[str, ...], seed: int) -> Iterator[Finding]:
    """Which filters of the first layer the classes excite most, and whether those differ by class."""
    if first is None:
        yield Finding("The network has no layer of filters.", False)
        return
    top = strongest(first, classes)
    leaders = {name: filters[0] for name, filters in top.items()}
    if not leaders:
        return
    if len(set(leaders.values())) == 1:
        leader = next(iter(leaders.values()))
        text = f"The strongest filter of {first.layer} is {leader} for every class."
    else:
        parts = []
        for leader in sorted(set(leaders.values())):
            names = [plain(name) for name, each in leaders.items() if each == leader]
            more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
            parts.append(f"{leader} for {', '.join(names[:_MOST_NAMED])}{more}")
        text = f"The strongest filter of {first.layer} is {'; '.join(parts)}."
    yield Finding(text, True, {"strongest": top})
    found = differences(first.values, first.labels, seed)
    if found is None:
        return
    sure = [n for n in ranking(found.f) if found.p[n] <= SIGNIFICANT]
    numbers = {"p": found.p.tolist(), "f": found.f.tolist(), "images": len(first.labels)}
    count = first.values.shape[1]
    if not sure:
        head = f"No filter of {first.layer} answers otherwise to one class than to another ({_permuted(found.least_p)})"
        yield Finding(f"{head}: the data do not show that the first layer tells the classes apart.", False, numbers)
        return
    n = sure[0]
    means = {i: mean_of(first.values[first.labels == i, n], seed) for i in np.unique(first.labels).tolist()}
    most, least = (pick(means, key=lambda i: means[i].value) for pick in (max, min))
    p = _permuted(found.least_p)
    text = f"{len(sure)} of {count} filters of {first.layer} answer otherwise to different classes ({p})"
    text += f"; most of all filter {n}: {plain(classes[most])} {means[most].told(1, 3)}, "
    yield Finding(f"{text}{plain(classes[least])} {means[least].told(1, 3)}.", True, numbers)


def strongest(first: FirstLayer, classes: tuple[str, ...]) -> dict[str, list[int]]:
    """The three filters with the highest mean activation for each class, the strongest first."""
    found = {}
    for index in np.unique(first.labels).tolist():
        means = first.values[first.labels == index].mean(0)
        found[classes[index]] = ranking(means)[:_STRONGEST]
    return found


# ---- confusion -------------------------------------------------------------------------------------------------------


def of_confusion(material: Material) -> Iterator[Finding]:
    """Whether the labels are met by more than chance, the worst pairs, and what moved them."""
    known = material.known
    counted = (known.labels >= 0) & (known.predicted >= 0)
    if not counted.any():
        yield Finding("No row has a label: what is confused cannot be told.", False)
        return
    labels, predicted = known.labels[counted], known.predicted[counted]
    p, accuracy = labels_p(labels, predicted, material.seed), float((labels == predicted).mean())
    numbers = {"accuracy": accuracy, "rows": int(counted.sum()), "p": p}
    head, dealt = f"Accuracy {accuracy:.1%} of {counted.sum()} rows", f"labels dealt out at random get ({_permuted(p)})"
    if p > SIGNIFICANT:
        text = f"{head} is no more than {dealt}"
        yield Finding(f"{text}: no support that the network knows these classes.", False, numbers)
    else:
        yield Finding(f"{head} is more than {dealt}.", True, numbers)
    for pair in material.pairs:
        yield from _pair(material, pair)


def _pair(material: Material, pair: Pair) -> Iterator[Finding]:
    classes, counts = material.classes, material.matrix.counts
    true, predicted = plain(classes[pair.true]), plain(classes[pair.predicted])
    mistakes = int(counts[pair.true].sum() - counts[pair.true, pair.true])
    head = f"{true} is taken for {predicted} in {pair.count} rows, {pair.share:.1%} of the class"
    numbers: dict[str, Any] = {"true": true, "predicted": predicted, "count": pair.count, "mistakes": mistakes}
    if len(classes) < 3:
        yield Finding(f"{head}.", True, numbers)
    else:
        expected = float(expected_mistakes(counts)[pair.true, pair.predicted])
        chance = binomial_tail(pair.count, mistakes, expected / mistakes)
        p = min(1.0, chance * len(classes) * (len(classes) - 1))  # for all pairs together (Bonferroni)
        numbers |= {"expected": expected, "p": p}
        told = (
            f"{head}: of its {mistakes} mistakes {expected:.0f} would be expected there if all classes' mistakes went"
        )
        if p <= SIGNIFICANT:
            yield Finding(
                f"{told} alike ({_p(p)}), so the two are confused with one another in particular.", True, numbers
            )
        else:
            yield Finding(
                f"{told} alike ({_p(p)}): no support that these two are confused in particular.", False, numbers
            )
    yield from _moved(pair, true, predicted, material.seed)


def _moved(pair: Pair, true: str, predicted: str, seed: int) -> Iterator[Finding]:
    """The regions whose contrast is surely on one side; the level is shared out among the regions (Bonferroni)."""
    if pair.shares is None or len(pair.shares) < 2:
        return
    level = 1 - SIGNIFICANT / pair.shares.shape[1]
    low, high = interval(resampled_means(pair.shares, RESAMPLES, seed), level)
    means = pair.shares.mean(0)
    sides = {predicted: np.flatnonzero(low > 0), true: np.flatnonzero(high < 0)}
    numbers = {
        name: {"mean": float(means[n]), "low": float(low[n]), "high": float(high[n])}
        for n, name in enumerate(pair.names)
    }
    parts = []
    for name, regions in sides.items():
        order = regions[ranking(np.abs(means[regions]))][:_MOST_NAMED]
        told = [f"{plain(pair.names[n])} {means[n]:+.0%} [{low[n]:+.0%}, {high[n]:+.0%}]" for n in order.tolist()]
        if told:
            parts.append(f"for {name} spoke {', '.join(told)}")
    head = f"In {len(pair.shares)} images of {true} taken for {predicted}"
    if parts:
        yield Finding(f"{head}, {'; '.join(parts)} (shares of the contrast).", True, numbers)
    else:
        yield Finding(f"{head} no region surely spoke for one of the two: no support.", False, numbers)


# ---- trust -----------------------------------------------------------------------------------------------------------


def of_focus(material: Material, method: str) -> Iterator[Finding]:
    """Whether classes that are read inside the face are better recognised."""
    table = material.focus.get(method)
    if table is None or not material.known.labelled:
        yield Finding("Recall beside focus needs labels and regions: without them it cannot be told.", False)
        return
    for relation, of in ((table.relation, "of all images"), (table.relation_right, "of those that are right")):
        if relation is None:
            continue
        exact = "exact" if relation.exact else "random orders"
        head = f"Rank correlation of recall with the share of {material.title(method)} inside the face ({of}, "
        head += f"{relation.classes} classes): {relation.correlation:+.2f} ({_p(relation.p)}, {exact})"
        numbers = {"correlation": relation.correlation, "p": relation.p, "classes": relation.classes}
        if relation.p > SIGNIFICANT:
            text = f"{head}: the data do not support that a class is recognised better the more it is read in the face."
            yield Finding(text, False, numbers)
        else:
            more = "more" if relation.correlation > 0 else "less"
            yield Finding(f"{head}: the {more} inside the face, the better recognised.", True, numbers)
    if table.relation is None:
        yield Finding("Recall beside focus: fewer than three classes have both, or all are alike: no support.", False)


def of_likeness(material: Material, guest: str = "") -> Iterator[Finding]:
    """How far the report's own methods agree (guest: it and those before it), beyond what maps of different images have
    in common.
    """
    for (one, two), found in material.likeness.items():
        if len(found.same) < 2 or two not in ((guest,) if guest else METHODS):
            continue
        same, excess = agreement(found, material.seed)
        assert excess.low is not None
        what = f"{material.title(one)} and {material.title(two)}"
        head = f"{what} of one image: mean rank correlation {same.told(1, 2)} over {len(found.same)} images"
        numbers = {"same": same.value, "excess": excess.value, "low": excess.low, "high": excess.high}
        beyond = f"{excess.value:+.2f} [{excess.low:+.2f}, {excess.high:+.2f}]"
        if excess.low > 0:
            text = f"{head}, {beyond} more than of two different images: they agree on the single image."
            yield Finding(text, True, numbers)
        else:
            text = f"{head}, {beyond} beside two different images: no support that they agree on the single image."
            yield Finding(text, False, numbers)


def agreement(found: Likeness, seed: int) -> tuple[Estimate, Estimate]:
    """The mean rank correlation of one image's maps, and by how much it exceeds that of different images' maps."""
    same = np.array(found.same)
    return mean_of(same, seed), mean_of(same - np.array(found.other), seed)


def of_trust(material: Material, methods: Sequence[str] = METHODS) -> Iterator[Finding]:
    """How many of the maps that are shown pass each question of trust."""
    for method in methods:
        judged = [trust["verdicts"] for _, trust in material.judged(method)]
        if not judged:
            continue
        questions = list(dict.fromkeys(name for each in judged for name in each))
        counts = {name: sum(bool(each.get(name)) for each in judged) for name in questions}
        parts = ", ".join(f"{name} {count}" for name, count in counts.items())
        holds = all(count == len(judged) for count in counts.values())
        yield Finding(f"Of {len(judged)} {material.title(method)} maps shown pass: {parts}.", holds, counts)
