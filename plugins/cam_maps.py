"""Class activation maps out of a layer's activations A and the gradients G of the target's score: both (N, K, h, w)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def cam(activations: Tensor, weights: Tensor) -> Tensor:
    """sum_k w_k A_k (Zhou et al. 2016); weights (N, K) of each image's target."""
    return torch.einsum("nk,nkhw->nhw", weights, activations)


def grad(activations: Tensor, gradients: Tensor) -> Tensor:
    """w_k = mean of G_k (Grad-CAM, Selvaraju et al. 2017), without its ReLU."""
    return cam(activations, gradients.mean((2, 3)))


def grad_plus_plus(activations: Tensor, gradients: Tensor) -> Tensor:
    """w_k = sum of relu(G) * a, a = G^2 / (2 G^2 + sum(A) G^3 + 1e-6) (Grad-CAM++, Chattopadhay et al. 2018)."""
    square = gradients**2
    alpha = square / (2 * square + activations.sum((2, 3), keepdim=True) * square * gradients + 1e-6)
    alpha = torch.where(gradients != 0, alpha, 0)
    return cam(activations, (gradients.relu() * alpha).sum((2, 3)))


def xgrad(activations: Tensor, gradients: Tensor) -> Tensor:
    """w_k = sum(G A) / (sum(A) + 1e-7) (XGrad-CAM, Fu et al. 2020)."""
    return cam(activations, (gradients * activations).sum((2, 3)) / (activations.sum((2, 3)) + 1e-7))


def hires(activations: Tensor, gradients: Tensor) -> Tensor:
    """sum_k G_k A_k, place by place (HiResCAM, Draelos and Carin 2020)."""
    return (gradients * activations).sum(1)


def layer(activations: Tensor, gradients: Tensor) -> Tensor:
    """sum_k relu(G_k) A_k (LayerCAM, Jiang et al. 2021)."""
    return (gradients.relu() * activations).sum(1)


def eigen(activations: Tensor) -> Tensor:
    """The activations on their first principal component (EigenCAM, Muhammad and Yeasin 2020); it knows no target.

    A component has no sign of its own: here the map is high where the activations are strong.
    """
    places = activations.double().flatten(2)  # (N, K, h w)
    centred = places - places.mean(2, keepdim=True)
    # All images at once, by the smaller of the two matrices of products: it has the same first component.
    if centred.shape[1] <= centred.shape[2]:
        _, components = torch.linalg.eigh(centred @ centred.mT)
        values = (components[:, None, :, -1] @ centred)[:, 0]
    else:
        sizes, components = torch.linalg.eigh(centred.mT @ centred)
        values = sizes[:, -1:].clamp(min=0).sqrt() * components[..., -1]
    strength = places.square().sum(1)
    likeness = (values * (strength - strength.mean(1, keepdim=True))).sum(1, keepdim=True)
    return torch.where(likeness >= 0, values, -values).unflatten(1, activations.shape[2:]).float()


OF_GRADIENTS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "grad": grad,
    "grad++": grad_plus_plus,
    "xgrad": xgrad,
    "hires": hires,
    "layer": layer,
}
