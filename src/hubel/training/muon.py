"""Muon: steps that are orthogonal matrices, for the matrices between hidden layers.

Jordan et al. 2024, kellerjordan.github.io/posts/muon. The inputs' and the scores' weights, biases
and normalisation learn by AdamW, as the authors have it. Each step is as long as one of AdamW's,
0.2 a number in the root mean square, so that one rate and one decay serve both (Liu et al. 2025,
arXiv 2502.16982, section 2.2: `match_rms_adamw` of `torch.optim.Muon`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["hidden_weights", "muon", "orthogonal"]

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS, _EPSILON = 5, 1e-7
_LAYERS = (nn.Linear, nn.modules.conv._ConvNd, nn.MultiheadAttention)  # pyright: ignore[reportPrivateUsage]


def hidden_weights(module: nn.Module) -> list[Tensor]:
    """The trainable weights of all linear and convolutional layers but the first and the last.

    Frozen layers count as layers. A convolution in groups is no matrix from all inputs to all
    outputs, and is left to AdamW.
    """
    layers = [layer for layer in module.modules() if isinstance(layer, _LAYERS)]
    hidden = [_weight(layer) for layer in layers[1:-1] if getattr(layer, "groups", 1) == 1]
    return [weight for weight in hidden if weight is not None and weight.requires_grad]


def muon(
    parameters: list[Tensor],
    gradients: list[Tensor],
    kept: list[Tensor],
    *,
    rate: float,
    weight_decay: float,
    momentum: float,
) -> None:
    """One step of Muon with Nesterov momentum; changes `parameters` and `kept`.

    Args:
        parameters: of two axes or more; those after the first are taken as one.
        gradients: of them.
        kept: their momentum.
        rate: the learning rate.
        weight_decay: taken off as in AdamW.
        momentum: share that is kept.
    """
    for parameter, gradient, buffer in zip(parameters, gradients, kept, strict=True):
        buffer.lerp_(gradient, 1 - momentum)
        ahead = gradient.lerp(buffer, momentum)
        step = orthogonal(ahead.flatten(1)).reshape(parameter.shape)
        length = 0.2 * max(step.shape[0], step[0].numel()) ** 0.5
        parameter.mul_(1 - rate * weight_decay)
        parameter.add_(step.to(parameter.dtype), alpha=-rate * length)


def orthogonal(matrix: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Nearly U V^T of a matrix's singular value decomposition U S V^T, by Newton and Schulz.

    Its singular values are from about 0.7 to 1.2, which is as good for training.

    Args:
        matrix: (rows, columns).
        dtype: to compute in; bfloat16 as published, but float32 on a CPU, where bfloat16 was 22
            times slower (128 x 1152, one thread).
    """
    a, b, c = _COEFFICIENTS
    exact = torch.float32 if matrix.device.type == "cpu" else torch.bfloat16
    x = matrix.to(dtype or exact)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / x.norm().clamp(min=_EPSILON)
    for _ in range(_ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


def _weight(layer: nn.Module) -> Tensor | None:
    name = "in_proj_weight" if isinstance(layer, nn.MultiheadAttention) else "weight"
    found = getattr(layer, name, None)
    return found if isinstance(found, nn.Parameter) else None
