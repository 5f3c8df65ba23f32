"""Shares of planted maps are known; tables of them, their intervals and their p-values have closed forms."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import fer_tui
from fer_tui.contract import Heatmap
from fer_tui.regions import Focus, Tally, face_layout, focus, regions_of
from fer_tui.regions.statistics import classes_p, interval, rank_relation, ranks, resampled_means

NAN = float("nan")
HALVES = {
    name: np.broadcast_to(side, (4, 4)) for name, side in (("left", np.arange(4) < 1), ("right", np.arange(4) > 1))
}


def heatmap(values: object, *, signed: bool = True) -> Heatmap:
    values = np.array(values, np.float32)
    return Heatmap(values=values, image=np.zeros(values.shape, np.uint8), signed=signed)


def test_planted_maps_have_known_shares() -> None:
    values = np.zeros((4, 4))
    values[0, 0], values[1, 0], values[2, 1], values[3, 3] = 3, -1, 2, -4  # left 4, outside 2, right 4
    made = fer_tui.focus(heatmap(values), HALVES)
    assert made.regions == ("left", "right", "outside")
    assert made.absolute.tolist() == pytest.approx([0.4, 0.4, 0.2])
    assert made.positive.tolist() == pytest.approx([0.6, 0, 0.4])
    assert made.area.tolist() == [0.25, 0.5, 0.25]
    plain = made.to_dict()
    assert plain["left"] == {"absolute": pytest.approx(0.4), "positive": pytest.approx(0.6), "area": 0.25, "lift": 1.6}
    assert made.inside_share == pytest.approx(0.8)
    assert made.words() == "focus: left 40% (×1.6) · right 40% (×0.8) · outside 20% (×0.8)"
    assert made.brief(80) == "inside 80% ×1.1 · left 40% ×1.6 · right 40% ×0.8 · outside 20% ×0.8"
    assert made.brief(40) == "inside 80% ×1.1 · left 40% ×1.6"


def test_maps_without_numbers() -> None:
    empty = focus(heatmap(np.zeros((4, 4))), HALVES)
    assert np.isnan(empty.absolute).all() and empty.to_dict()["left"]["absolute"] is None
    assert empty.words() == "focus: the map is zero everywhere" and empty.brief(80) == ""
    negative = focus(heatmap(-np.ones((4, 4))), HALVES)
    assert negative.absolute.tolist() == negative.area.tolist() and np.isnan(negative.positive).all()
    broken = np.full((4, 4), NAN)
    broken[0, 0], broken[1, 1] = 1, float("inf")
    assert focus(heatmap(broken), HALVES).absolute.tolist() == [1, 0, 0]
    huge = np.full((4, 4), 3e38)
    assert focus(heatmap(huge), HALVES).absolute.tolist() == pytest.approx([0.25, 0.5, 0.25])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 1 << 30), st.integers(1, 9), st.integers(1, 9))
def test_shares_add_to_one_whatever_the_map(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    masks = {name: rng.random((8, 6)) < 0.4 for name in ("a", "b", "face")}
    made = focus(heatmap(rng.standard_normal((height, width))), regions_of(masks), picture=(8, 6), fit="crop")
    for shares in (made.absolute, made.area):
        assert shares.sum() == pytest.approx(1) and (shares >= 0).all()


def test_a_map_of_noise_has_shares_like_areas() -> None:
    rng = np.random.default_rng(0)
    layout, tally = face_layout(), None
    tally = Tally(("noise",), layout.names, [None])
    for _ in range(200):
        tally.add(0, True, focus(heatmap(rng.standard_normal((48, 48))), layout))
    whole = tally.table().whole
    assert whole is not None and whole.every is not None
    for region in (*whole.every.regions, whole.every.inside):
        assert region.lift is not None and region.lift.low is not None and region.lift.high is not None
        assert region.lift.low - 0.01 < 1 < region.lift.high + 0.01 and abs(region.lift.value - 1) < 0.02
        assert region.absolute.value == pytest.approx(region.area, rel=0.02)


# ---- tables ----------------------------------------------------------------------------------------------------------

NAMES = ("mouth", "hand", "outside")


def one(mouth: float, hand: float, outside: float, areas: tuple[float, float, float] = (0.25, 0.25, 0.5)) -> Focus:
    absolute = np.array([mouth, hand, outside])
    return Focus(NAMES, "face", (0,), absolute, absolute[::-1].copy(), np.array(areas))


def test_a_table_by_hand() -> None:
    tally = Tally(("angry", "happy", "sad"), NAMES, [0.5, 1.0, None])
    tally.add(0, True, one(0.6, 0.2, 0.2))
    tally.add(0, False, one(0.2, 0.4, 0.4))
    tally.add(1, True, one(0.9, 0.0, 0.1, (0.25, 0.0, 0.75)))
    tally.add(1, True, one(NAN, NAN, NAN))
    tally.broken = 3
    table = tally.table()
    angry, happy, sad = table.classes
    assert (angry.recall, happy.recall, sad.recall, table.empty, table.broken) == (0.5, 1.0, None, 1, 3)
    assert angry.every and angry.right and angry.wrong and happy.every and table.whole and table.whole.every
    assert sad.every is None and happy.wrong is None
    assert [region.absolute.value for region in angry.every.regions] == pytest.approx([0.4, 0.3, 0.3])
    assert [region.positive.value for region in angry.every.regions if region.positive] == pytest.approx(
        [0.3, 0.3, 0.4]
    )
    assert (angry.right.inside.absolute.value, angry.wrong.inside.absolute.value) == (0.6, 0.2)
    hand = table.whole.every.regions[1]
    assert (hand.name, hand.seen, table.whole.every.images) == ("hand", 2, 3)
    assert hand.lift is not None and hand.lift.value == pytest.approx((0.6 / 3) / (0.5 / 3))  # mean share / mean area
    assert happy.every.regions[1].lift is None  # no image of it has a hand
    assert happy.every.inside.absolute.low is None  # one image has no interval
    assert table.difference is not None and table.difference.value == pytest.approx(0.4)  # of angry alone
    assert table.relation is None  # two classes
    assert "left out: 1 images whose map is zero everywhere" in list(table.words())
    assert "left out: 3 images whose scores are not finite" in list(table.words())
    early = tally.table(resamples=0)
    assert early.whole and early.whole.every and early.whole.every.inside.absolute.low is None
    assert list(Tally(("a",), NAMES, [None]).table().words()) == ["no map has any attribution"]


def test_a_table_says_what_the_data_show_and_what_they_do_not() -> None:
    def told(shares: list[float], recalls: list[float], noise: float) -> list[str]:
        rng = np.random.default_rng(4)
        tally = Tally([f"c{n}" for n in range(len(shares))], NAMES, recalls)
        for n, share in itertools.product(range(len(shares)), range(40)):
            mouth = float(np.clip(shares[n] + noise * rng.standard_normal(), 0, 0.9))
            tally.add(n, share < 20, one(mouth, 0.05, 0.95 - mouth))
        return list(tally.table().words())

    rising = [0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7]
    words = told(rising, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], 0.01)
    assert words[0].startswith("most inside the face: c6 70.") and words[0].endswith("p = 0.0005: the classes differ")
    assert "over 7 classes: +1.00 (p = 0.000, exact): the more inside the face, the better recognised" in words[1]
    assert words[2].startswith(
        "rank correlation of recall with the share inside the face, of images predicted rightly: +1.00"
    )
    assert words[3].endswith("no difference is shown")
    words = told([0.4] * 7, [0.5, 0.2, 0.7, 0.1, 0.6, 0.3, 0.4], 0.1)
    assert words[0].endswith("the classes cannot be told apart")
    assert words[1].endswith("the data do not show a relation")
    assert told([0.2, 0.4, 0.6], [0.1, 0.2, 0.3], 0.01)[1].endswith("+1.00 (p = 0.333, exact): too few classes to tell")


def test_a_region_that_few_images_have_is_told() -> None:
    tally = Tally(("a",), NAMES, [None])
    for n in range(60):
        share = 0.05 + 0.001 * (n % 7)
        tally.add(0, True, one(0.5, share, 0.5 - share, (0.3, 0.2, 0.5)) if n < 20 else one(0.5, 0, 0.5, (0.5, 0, 0.5)))
    (told,) = [line for line in tally.table().words() if line.startswith("hand")]
    assert told.startswith("hand, in 20 of 60 images: lift 0.26 [0.2") and told.endswith("it draws less than its size")


# ---- statistics ------------------------------------------------------------------------------------------------------


def test_the_bootstrap_is_scipys() -> None:
    from scipy.stats import bootstrap

    values = np.random.default_rng(0).gamma(2.0, size=(37, 3))
    low, high = interval(resampled_means(values, 4000, seed=5))
    theirs = [
        bootstrap((column,), np.mean, n_resamples=4000, method="percentile", random_state=np.random.default_rng(5))
        for column in values.T
    ]
    for n, their in enumerate(theirs):
        assert (low[n], high[n]) == pytest.approx(their.confidence_interval, rel=1e-12)
    again = resampled_means(values, 4000, seed=5)
    assert (again == resampled_means(values, 4000, seed=5)).all()


def test_resampling_in_parts_draws_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from fer_tui.regions import statistics

    values = np.random.default_rng(0).random((50, 2))
    whole = resampled_means(values, 101, seed=3)
    monkeypatch.setattr(statistics, "_CELLS", 50 * 7)
    np.testing.assert_allclose(resampled_means(values, 101, seed=3), whole, rtol=1e-14)


@pytest.mark.parametrize("count", [3, 4, 5, 7])
def test_the_p_value_of_a_perfect_order_is_two_orders_of_all(count: int) -> None:
    one_way = np.arange(count) ** 3.0
    rho, p, exact = rank_relation(one_way, np.exp(one_way / 99))  # type: ignore[misc]
    assert (rho, p, exact) == (pytest.approx(1), 2 / math.factorial(count), True)
    rho, p, _ = rank_relation(one_way, -one_way)  # type: ignore[misc]
    assert (rho, p) == (pytest.approx(-1), 2 / math.factorial(count))


def test_p_values_are_those_of_the_exact_null_distribution() -> None:
    """rho = 1 - 6 sum d^2 / (n^3 - n) over all orders of four: 24 of them, tabled by hand."""
    counts = {1.0: 1, 0.8: 3, 0.6: 1, 0.4: 4, 0.2: 2, 0.0: 2}  # and the same below 0
    for order in itertools.permutations(range(4)):
        rho, p, _ = rank_relation(np.arange(4.0), np.array(order, float))  # type: ignore[misc]
        d = sum((a - b) ** 2 for a, b in enumerate(order))
        assert rho == pytest.approx(1 - 6 * d / 60)
        beyond = sum(2 * n if size else n for size, n in counts.items() if size >= abs(rho) - 1e-9)
        assert p == pytest.approx(beyond / 24)


def test_ties_and_constants() -> None:
    assert ranks(np.array([5.0, 1.0, 5.0, 2.0])).tolist() == [3.5, 1, 3.5, 2]
    assert rank_relation(np.ones(5), np.arange(5.0)) is None and rank_relation(np.arange(2.0), np.arange(2.0)) is None
    from scipy.stats import spearmanr

    a, b = np.array([1.0, 1, 2, 3, 3, 4]), np.array([2.0, 1, 2, 5, 4, 4])
    found = rank_relation(a, b)
    assert found is not None and found[0] == pytest.approx(spearmanr(a, b).statistic)


def test_many_classes_are_permuted_at_random() -> None:
    a = np.arange(12.0)
    b = a.copy()
    b[[0, 6]] = b[[6, 0]]
    b[[3, 10]] = b[[10, 3]]
    rho, p, exact = rank_relation(a, b)  # type: ignore[misc]
    assert not exact
    from scipy.stats import spearmanr

    theirs = spearmanr(a, b)
    assert rho == pytest.approx(theirs.statistic) and p == pytest.approx(theirs.pvalue, rel=0.3)


def test_classes_without_meaning_are_not_told_apart() -> None:
    """Two classes of two: of six ways to share 0, 1, 10, 11 out, two are as far apart as 0, 1 | 10, 11."""
    values, labels = np.array([0.0, 1, 10, 11]), np.array([3, 3, 5, 5])
    assert classes_p(values, labels, 20000, 0) == pytest.approx(2 / 6, abs=0.02)
    rng = np.random.default_rng(1)
    p = [classes_p(rng.random(60), np.arange(60) % 4, 99, seed) for seed in range(100)]
    assert 0.3 < np.mean(np.array(p, float)) < 0.7  # uniform under the null hypothesis
    assert classes_p(values, np.zeros(4, int), 99, 0) is None and classes_p(values, np.arange(4), 99, 0) is None


def test_shares_of_fractional_weights_by_hand() -> None:
    """A mask of 2 x 2 over a map of 1 x 1: its quarter in the region has a quarter of the map."""
    mask: NDArray[np.bool_] = np.array([[True, False], [False, False]])
    made = focus(heatmap([[7.0]]), {"part": mask}, picture=(2, 2))
    assert made.absolute.tolist() == made.area.tolist() == [0.25, 0.75]
