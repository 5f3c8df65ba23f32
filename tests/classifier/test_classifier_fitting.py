"""Pictures made fit for a network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from fer_tui.classifier import open_classifier
from fer_tui.classifier.fitting import equalised, fitted, gray


def net(channels: int, size: tuple[int, int], **options):
    module = nn.Sequential(nn.Conv2d(channels, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    return open_classifier(module, size=size, **options)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, shape, np.uint8)


def test_a_picture_that_fits_is_itself():
    for channels, picture in ((1, noise(20, 30)), (3, noise(20, 30, 3))):
        classifier = net(channels, (20, 30))
        assert classifier.shown(picture) is picture
        x = classifier.inputs([picture])
        assert x.shape == (1, channels, 20, 30) and x.dtype is torch.float32
        expected = picture.reshape(20, 30, channels).transpose(2, 0, 1) / np.float32(255)
        assert np.array_equal(x[0].numpy(), expected.astype(np.float32))


def test_gray_and_colour():
    colour = noise(9, 9, 3)
    assert np.array_equal(net(1, (9, 9)).shown(colour), np.asarray(Image.fromarray(colour).convert("L")))
    shown = net(3, (9, 9)).shown(noise(9, 9))
    assert (
        shown.shape == (9, 9, 3)
        and np.array_equal(shown[..., 0], noise(9, 9))
        and np.array_equal(shown[..., 2], noise(9, 9))
    )
    assert np.array_equal(gray(noise(5, 9, 9, 3))[2], gray(noise(5, 9, 9, 3)[2]))


def test_stretch_crop_and_pad():
    wide = np.zeros((10, 30), np.uint8)
    wide[:, 10:20] = 200  # the middle third
    assert fitted(wide, (20, 20), "stretch").shape == (20, 20)
    assert (fitted(wide, (20, 20), "crop")[:, 1:-1] == 200).all()
    padded = fitted(wide, (30, 30), "pad")
    assert np.array_equal(padded[10:20], wide) and not padded[:10].any() and not padded[20:].any()
    tall = fitted(np.full((300, 3, 3), 77, np.uint8), (8, 8), "pad")
    assert tall.shape == (8, 8, 3) and (tall.any(axis=(0, 2)).sum()) == 1


def test_shrinking_is_antialiased():
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(fitted(stripes, (16, 16), "stretch").astype(int) - 127)[:, 1:-1].max() <= 1


def test_equalisation_as_opencv():
    picture = np.array([[0, 0, 10, 10], [20, 20, 20, 255]], np.uint8)
    # cdf 2, 4, 7, 8; (cdf - 2) / (8 - 2) * 255
    assert equalised(picture).tolist() == [[0, 0, 85, 85], [212, 212, 212, 255]]
    flat = np.full((4, 4), 9, np.uint8)
    assert np.array_equal(equalised(flat), flat)
    assert equalised(noise(8, 8, 3)).shape == (8, 8, 3)
    dark = (noise(64, 64) // 4).astype(np.uint8)
    assert np.array_equal(net(1, (64, 64), equalise=True).shown(dark), equalised(dark))


def test_mean_and_std_by_channel():
    picture = noise(6, 7, 3)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    x = net(3, (6, 7), mean=mean, std=std).inputs([picture])[0].permute(1, 2, 0).numpy()
    assert np.allclose(x, (picture / 255 - np.array(mean)) / np.array(std), atol=1e-6)
    one = net(3, (6, 7), mean=0.5, std=0.5).inputs([picture])[0].permute(1, 2, 0).numpy()
    assert np.allclose(one, picture / 127.5 - 1, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(5, 12, 12), (5, 12, 12, 3), (5, 20, 14), (5, 20, 14, 3), (5, 12, 12, 1)])
def test_an_array_of_pictures_equals_one_by_one(channels: int, shape: tuple[int, ...]):
    pictures = noise(*shape)
    pictures.flags.writeable = False
    classifier = net(channels, (12, 12), mean=0.3, std=0.7)
    together = classifier.inputs(pictures)
    assert together.is_contiguous()
    assert torch.equal(together, torch.cat([classifier.inputs([picture]) for picture in pictures]))
    assert torch.equal(together, classifier.inputs(list(pictures)))
    again = classifier.inputs([classifier.shown(picture) for picture in pictures])
    assert torch.equal(together, again)


def test_no_pictures():
    classifier = net(3, (12, 12))
    assert classifier.inputs([]).shape == (0, 3, 12, 12) and classifier.predict([]).shape == (0, 3)


def test_the_users_transform(net_file):
    classifier = open_classifier(f"{net_file}:Tiny", transform=f"{net_file}:halves")
    picture = noise(48, 48)
    assert np.allclose(classifier.inputs([picture])[0, 0].numpy(), picture / 510, atol=1e-7)
    assert classifier.shown(noise(96, 40, 3)).shape == (48, 48)


def test_a_transform_that_resizes_sets_the_size():
    def to_20(image: Image.Image) -> np.ndarray:
        return np.asarray(image.resize((20, 24)), np.float32).transpose(2, 0, 1) / 255

    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    classifier = open_classifier(module, transform=to_20, size_hint=(48, 48))
    assert classifier.input_shape == (3, 24, 20)
    assert classifier.predict([noise(48, 48)]).shape == (1, 4)


def test_a_random_transform_is_told():
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    state = torch.get_rng_state()
    classifier = open_classifier(module, transform=lambda image: torch.rand(1, 8, 8), size=(8, 8))
    assert any("transform is random" in note for note in classifier.notes)
    assert torch.equal(state, torch.get_rng_state())
