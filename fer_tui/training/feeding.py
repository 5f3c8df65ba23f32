"""Pictures and targets on the device."""

from __future__ import annotations

import numpy as np
import torch

from .material import Pictures
from .votes import label_given_votes

_SHARE = 0.25  # of the free memory of a CUDA device that the pictures may take; else they stay with the host


class Feed:
    """Pictures as uint8 (n, C, H, W), labels as int64 (n,), on the device where there is room.

    mean, std: one number or one a channel; what the network gets is (x / 255 - mean) / std.
    """

    def __init__(
        self, pictures: Pictures, device: torch.device, mean: tuple[float, ...], std: tuple[float, ...]
    ) -> None:
        pixels = torch.from_numpy(np.ascontiguousarray(pictures.pixels))
        pixels = pixels[:, None] if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2).contiguous()
        room = device.type != "cuda" or pixels.numel() < _SHARE * torch.cuda.mem_get_info(device)[0]
        self._pixels = pixels.to(device) if room else pixels
        self.labels = torch.from_numpy(pictures.labels).to(device)
        self._votes = pictures.votes
        self._plain = not any(mean) and all(value == 1 for value in std)
        self._mean, self._std = (torch.tensor(values, device=device).view(1, -1, 1, 1) for values in (mean, std))

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def on_device(self) -> bool:
        return self._pixels.device == self.labels.device

    def pictures(self, rows: torch.Tensor) -> torch.Tensor:
        """uint8 (N, C, H, W) on the device."""
        if self.on_device:
            return self._pixels[rows]
        return self._pixels[rows.cpu()].to(self.labels.device, non_blocking=True)

    def normalised(self, images: torch.Tensor) -> torch.Tensor:
        """`images` in 0 to 1 as the network wants them, channels last in memory."""
        if not self._plain:
            images = (images - self._mean) / self._std
        return images.contiguous(memory_format=torch.channels_last)

    def targets(self, classes: int, smoothing: float, votes: float) -> torch.Tensor:
        """float32 (n, classes): the label, blended with what the votes say of it, smoothed."""
        labels = self.labels.cpu()
        made = torch.nn.functional.one_hot(labels, classes).float()
        if self._votes is not None and votes:
            counted = torch.from_numpy(self._votes)
            asked = counted.sum(1) > 0
            told = label_given_votes(counted[asked], labels[asked], classes)
            made[asked] = torch.lerp(made[asked], told, votes)
        return torch.lerp(made, torch.full((), 1 / classes), smoothing).to(self.labels.device)
