"""The generator: what a seed decides, and that things are drawn where the masks say."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from fer_tui_samples import MASKS
from fer_tui_samples.draw import draw_face
from fer_tui_samples.expressions import CLASSES, Action, act
from fer_tui_samples.plane import lay
from fer_tui_samples.scene import look, meet

EYES, BROWS, NOSE, MOUTH, FACE, HAND = range(len(MASKS))


def scene(seed: int) -> tuple:
    return meet(np.random.default_rng([seed, 0])), look(np.random.default_rng([seed, 1]))


def height(mask: np.ndarray) -> float:
    """The mean row of a mask, from the top."""
    return float(np.nonzero(mask)[0].mean())


@pytest.fixture(scope="module")
def faces() -> list[tuple[str, int, np.ndarray, np.ndarray]]:
    """Thirty-five faces beyond the shipped ones."""
    return [(CLASSES[k % 7], 5000 + k, *draw_face(k % 7, 5000 + k)) for k in range(35)]


def test_shapes_and_types() -> None:
    image, masks = draw_face("happy", 1)
    assert image.shape == (48, 48) and image.dtype == np.uint8
    assert masks.shape == (6, 48, 48) and masks.dtype == np.bool_


def test_one_seed_one_face() -> None:
    for first, again in zip(draw_face("fear", 77), draw_face(CLASSES.index("fear"), 77), strict=True):
        assert np.array_equal(first, again)


def test_numpys_own_random_state_plays_no_part() -> None:
    np.random.seed(0)
    state = np.random.get_state()[1].copy()
    draw_face("sad", 3)
    assert np.array_equal(state, np.random.get_state()[1])


def test_other_seeds_other_faces() -> None:
    images = [draw_face("neutral", seed)[0].astype(float) for seed in range(8)]
    differences = [np.abs(a - b).mean() for i, a in enumerate(images) for b in images[:i]]
    assert min(differences) > 10


def test_with_one_seed_only_the_expression_changes() -> None:
    images = [draw_face(name, 20_005)[0].astype(float) for name in CLASSES]
    others = [draw_face("neutral", seed)[0].astype(float) for seed in range(20_006, 20_012)]
    same_person = [np.abs(image - images[-1]).mean() for image in images[:-1]]
    other_people = [np.abs(image - images[-1]).mean() for image in others]
    assert min(same_person) > 0.5 and max(same_person) < min(other_people)


def test_unknown_expression() -> None:
    with pytest.raises(ValueError, match="bored"):
        draw_face("bored", 1)


def test_faces_have_range_and_grain(faces: list) -> None:
    for _, seed, image, masks in faces:
        assert np.ptp(image) > 60, seed
        assert 0.15 < masks[FACE].mean() < 0.85, seed
        assert 20 < image[masks[FACE]].mean() < 235, seed


def test_features_lie_on_the_face_and_nothing_is_two_things(faces: list) -> None:
    for _, seed, _, masks in faces:
        assert not (masks[:HAND] & masks[HAND]).any(), seed
        assert (masks[:FACE].sum(0) <= 1).all(), seed
        assert not (masks[:FACE].any(0) & ~masks[FACE]).any(), seed


def test_features_lie_in_their_order(faces: list) -> None:
    bare = [face for face in faces if not face[3][HAND].any()]
    assert len(bare) >= 20
    for _, seed, _, masks in bare:
        hidden_by_fringe = not masks[BROWS].any()
        assert masks[[EYES, NOSE, MOUTH]].any((1, 2)).all(), seed
        assert hidden_by_fringe or height(masks[BROWS]) < height(masks[EYES]), seed
        assert height(masks[EYES]) < height(masks[NOSE]) < height(masks[MOUTH]), seed


def test_a_hand_is_masked_where_one_is_drawn() -> None:
    held = 0
    for seed in range(6000, 6025):
        _, masks = draw_face("neutral", seed)
        assert masks[HAND].any() == bool(scene(seed)[1].hand), seed
        held += masks[HAND].any()
    assert held >= 2


def test_the_hand_hides_what_it_covers(monkeypatch: pytest.MonkeyPatch) -> None:
    seed = next(s for s in range(9000) if scene(s)[1].hand == "mouth")
    image, masks = draw_face("surprise", seed)
    monkeypatch.setattr("fer_tui_samples.props.hand", lambda picture, *_: (picture, np.zeros_like(picture)))
    bare, bare_masks = draw_face("surprise", seed)
    assert masks[MOUTH].sum() < bare_masks[MOUTH].sum()
    assert not (bare_masks[MOUTH] & ~masks[MOUTH] & ~masks[HAND]).any()
    far = np.abs(image.astype(int) - bare)[: np.nonzero(masks[HAND])[0].min() - 12]
    assert np.median(far) <= 15  # the rest differs by exposure and noise alone


@pytest.mark.parametrize(("part", "index"), [("Mouth", MOUTH), ("Eyes", EYES), ("Brows", BROWS)])
def test_a_part_left_unpainted_changes_the_picture_in_its_mask(
    part: str, index: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mask is where the part is: take its paint away and the picture changes there, and hardly elsewhere."""
    seed = next(s for s in range(500) if not scene(s)[0].glasses and not scene(s)[1].hand and scene(s)[0].hair < 0.2)
    image, masks = draw_face("fear", seed)
    monkeypatch.setattr(f"fer_tui_samples.draw.{part}.paint", lambda self, tone, *_: tone)
    change = np.abs(image.astype(int) - draw_face("fear", seed)[0])
    assert change[masks[index]].mean() > 6 * change[~masks[index]].mean()


def test_an_open_mouth_is_darker_than_the_face(faces: list) -> None:
    for name, seed, image, masks in faces:
        if name == "surprise" and masks[MOUTH].sum() > 30:
            assert np.percentile(image[masks[MOUTH]], 20) < np.median(image[masks[FACE]]), seed


def test_expressions_move_what_they_should() -> None:
    """Mean actions over many draws tell the classes apart in the muscles that define them."""
    mean = {}
    for name in CLASSES:
        drawn = [astuple(act(name, np.random.default_rng(seed))) for seed in range(60)]
        mean[name] = Action(**dict(zip(Action.__slots__, np.mean(drawn, axis=0).tolist(), strict=True)))

    def strongest(muscle: str) -> str:
        return max(CLASSES, key=lambda name: getattr(mean[name], muscle))

    assert strongest("frown") == "angry" and strongest("press") == "angry"
    assert strongest("wrinkle") == "disgust" and strongest("lip_raise") == "disgust"
    assert strongest("stretch") == "fear"
    assert strongest("smile") == "happy" and strongest("cheek") == "happy"
    assert strongest("corners_down") == "sad" and strongest("droop") == "sad"
    assert strongest("jaw") == "surprise" and strongest("outer_brow") == "surprise"
    assert all(getattr(mean["neutral"], muscle) < 0.2 for muscle in Action.__slots__)


def test_a_dropped_jaw_lengthens_the_face() -> None:
    person, view = scene(4)
    assert (lay(person, view, 1.0).inside > 0).sum() > (lay(person, view, 0.0).inside > 0).sum()
