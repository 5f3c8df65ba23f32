"""From pictures to the network's input: fitted, scaled to 0..1, normalised; or the user's own transform."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image as Pillow

from fer_tui.contract import InputError
from fer_tui.specs import user_code

from . import fitting
from .crossing import sent

if TYPE_CHECKING:
    from .fitting import Fit, Image

    Transform = Callable[[Pillow.Image], Any]


@dataclass(frozen=True)
class Preprocessing:
    """(x/255 - mean)/std by channel, or `transform`, on pictures fitted to `shape` = (channels, height, width).

    transform: gets the fitted picture as a PIL image (mode L or RGB; `numpy.asarray` makes it an array) and returns a
    tensor or array (C, H, W). equalise: histogram equalisation, before the picture is resized. A shape of zeros is not
    known yet.
    """

    shape: tuple[int, int, int]
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    equalise: bool = False
    transform: Transform | None = None
    fit: Fit = "stretch"

    def __post_init__(self) -> None:
        channels = self.shape[0]
        for what, numbers in (("mean", self.mean), ("std", self.std)):
            if channels and len(numbers) not in (1, channels):
                fault = f"{len(numbers)} numbers for {channels} channel{'s' * (channels > 1)}"
                raise InputError(what, fault, "give one number, or one for each channel")

    def shown(self, image: Image) -> Image:
        """`image` fitted: uint8 (H, W), or (H, W, 3) where the network takes colour; itself where nothing changes."""
        wants_gray = self.shape[0] == 1
        size = self.shape[1:] if wants_gray else (*self.shape[1:], 3)
        if image.shape == size and image.dtype == np.uint8 and not self.equalise:
            return image
        image = fitting.checked(image)
        if wants_gray and image.ndim == 3:
            image = fitting.gray(image)
        if self.equalise:
            image = fitting.equalised(image)
        image = fitting.fitted(image, self.shape[1:], self.fit)
        return image if wants_gray or image.ndim == 3 else fitting.colour(image)

    def inputs(self, images: Sequence[Image], device: torch.device) -> torch.Tensor:
        """float32 (N, C, H, W) on `device`."""
        pictures = self._pictures(images)
        if self.transform is not None:
            return sent(self._transformed(pictures), device)
        if not pictures.flags.writeable or not pictures.flags.c_contiguous:
            pictures = pictures.copy()
        tensor = sent(torch.from_numpy(pictures), device)
        tensor = tensor.unsqueeze(1) if tensor.ndim == 3 else tensor.permute(0, 3, 1, 2)
        x = tensor.to(torch.float32, memory_format=torch.contiguous_format).div_(255)
        if any(self.mean):
            x.sub_(self._by_channel(self.mean, device))
        if any(value != 1 for value in self.std):
            x.div_(self._by_channel(self.std, device))
        return x

    def _pictures(self, images: Sequence[Image]) -> Image:
        channels, height, width = self.shape
        stacked = isinstance(images, np.ndarray) and images.ndim in (3, 4) and images.dtype == np.uint8
        if stacked and images.shape[1:3] == (height, width) and not self.equalise:  # type: ignore[attr-defined]
            array: Image = np.asarray(images)
            if array.ndim == 4 and array.shape[3] == 1:
                array = array[..., 0]
            if array.ndim == 3:
                return array if channels == 1 else fitting.colour(array)
            if array.shape[3] == 3:
                return array if channels != 1 else fitting.gray(array)
        if not len(images):
            return np.zeros((0, height, width) if channels == 1 else (0, height, width, 3), np.uint8)
        return np.stack([self.shown(image) for image in images])

    def _transformed(self, pictures: Image) -> torch.Tensor:
        tensors = [self.transform_one(picture) for picture in pictures]
        for tensor in tensors:
            if tuple(tensor.shape) != self.shape:
                raise InputError(
                    "transform",
                    f"returned the shape {tuple(tensor.shape)} where the network takes {self.shape}",
                    "leave resizing and cropping to fit and size; return (channels, height, width)",
                )
        return torch.stack(tensors) if tensors else torch.empty((0, *self.shape))

    def transform_one(self, picture: Image) -> torch.Tensor:
        """What the user's transform makes of one fitted picture: float32, of any shape."""
        assert self.transform is not None
        with user_code("transform"):
            made = self.transform(Pillow.fromarray(picture))
        if isinstance(made, np.ndarray):
            made = torch.from_numpy(np.array(made))
        if not isinstance(made, torch.Tensor):
            raise InputError("transform", f"returned a {type(made).__name__}", "return a tensor (C, H, W)")
        made = made.detach().to("cpu", torch.float32)
        return made.unsqueeze(0) if made.ndim == 2 and self.shape[0] == 1 else made

    @staticmethod
    def _by_channel(values: tuple[float, ...], device: torch.device) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.float32, device=device).view(1, -1, 1, 1)
