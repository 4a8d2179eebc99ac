"""How weights begin: named rules, each parameter drawn by itself.

A draw is keyed on (seed, the parameter's path), so it is the same whatever else the network holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from math import prod, sqrt
from typing import Any

import torch
from torch import Tensor, nn

from hubel.models.notation.token_layers import ClassToken, Positions
from hubel.models.notation.words import INITS

__all__ = ["draw", "keyed_generator"]

_CONVOLUTIONS = (
    nn.Conv1d, nn.Conv2d, nn.Conv3d,
    nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d,
)  # fmt: skip
_NARROW = 0.02  # of class token and positions, as in ViT


def keyed_generator(seed: int, path: str) -> torch.Generator:
    """A generator on the CPU for one parameter.

    Args:
        seed: of the network.
        path: of the parameter, such as `residual2.conv1.weight`.

    Example:
        >>> keyed_generator(0, "conv1.weight").initial_seed()
        7518249254798451623
    """
    digest = hashlib.blake2b(f"{seed} {path}".encode(), digest_size=8).digest()
    return torch.Generator("cpu").manual_seed(int.from_bytes(digest, "big") >> 1)


def draw(module: nn.Module, path: str, init: str, seed: int) -> None:
    """Set every parameter and buffer of one word's module.

    Args:
        module: of one word, its weights of any content.
        path: of the module in the network.
        init: one of `INITS`:
            kaiming: normal, variance 2 / fan_in, biases 0 (He et al. 2015, arXiv 1502.01852).
            xavier: uniform, variance 2 / (fan_in + fan_out), biases 0 (Glorot and Bengio 2010).
            lecun: normal, variance 1 / fan_in, biases 0 (LeCun et al. 1998, "Efficient BackProp").
            orthogonal: rows or columns orthonormal, biases 0 (Saxe et al. 2013, arXiv 1312.6120).
            normal: standard deviation 0.02, biases 0.
            zeros: all 0.
            torch: as PyTorch's own layers: uniform, variance 1 / (3 fan_in), biases too.
        seed: of the network.

    A transposed convolution's fan_in counts the taps that meet in one output: those of one kernel,
    over its strides. (PyTorch's own functions count its outputs there.)
    """
    assert init in INITS, init
    for name, part in module.named_modules():
        where = f"{path}.{name}" if name else path
        _draw_one(part, where, init, seed)


def _draw_one(part: nn.Module, path: str, init: str, seed: int) -> None:
    if isinstance(part, ClassToken):
        _normal(part.token, _NARROW, keyed_generator(seed, f"{path}.token"))
    elif isinstance(part, Positions):
        _normal(part.values, _NARROW, keyed_generator(seed, f"{path}.values"))
    elif isinstance(part, nn.PReLU):
        nn.init.constant_(part.weight, 0.25)  # as in the paper, arXiv 1502.01852
    elif isinstance(part, (nn.Linear, *_CONVOLUTIONS)):
        _RULES[init](part.weight, _fans(part), keyed_generator(seed, f"{path}.weight"))
        if part.bias is not None:
            _bias(part.bias, init, _fans(part)[0], keyed_generator(seed, f"{path}.bias"))
    elif callable(reset := getattr(part, "reset_parameters", None)):
        reset()  # norms, layer scale, blur: fixed values, no draws


def _fans(part: Any) -> tuple[float, float]:
    """How many inputs meet in one output, and how many outputs one input reaches."""
    if isinstance(part, nn.Linear):
        return part.in_features, part.out_features
    taps, steps = prod(part.kernel_size), prod(part.stride)
    fan_in, fan_out = part.in_channels / part.groups * taps, part.out_channels / part.groups * taps
    if part.transposed:
        return max(1.0, fan_in / steps), fan_out
    return fan_in, max(1.0, fan_out / steps)


def _normal(tensor: Tensor, std: float, generator: torch.Generator) -> None:
    drawn = torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu")
    with torch.no_grad():
        tensor.copy_(drawn.normal_(0.0, std, generator=generator))


def _uniform(tensor: Tensor, bound: float, generator: torch.Generator) -> None:
    drawn = torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu")
    with torch.no_grad():
        tensor.copy_(drawn.uniform_(-bound, bound, generator=generator))


def _orthogonal(tensor: Tensor, generator: torch.Generator) -> None:
    drawn = torch.empty(tensor.shape, dtype=torch.float32, device="cpu")
    nn.init.orthogonal_(drawn, generator=generator)
    with torch.no_grad():
        tensor.copy_(drawn)


def _bias(bias: Tensor, init: str, fan_in: float, generator: torch.Generator) -> None:
    if init == "torch":
        _uniform(bias, 1 / sqrt(fan_in), generator)
    else:
        nn.init.zeros_(bias)


_RULES: dict[str, Callable[[Tensor, tuple[float, float], torch.Generator], object]] = {
    "kaiming": lambda w, fans, g: _normal(w, sqrt(2 / fans[0]), g),
    "xavier": lambda w, fans, g: _uniform(w, sqrt(6 / sum(fans)), g),
    "lecun": lambda w, fans, g: _normal(w, sqrt(1 / fans[0]), g),
    "orthogonal": lambda w, fans, g: _orthogonal(w, g),
    "normal": lambda w, fans, g: _normal(w, _NARROW, g),
    "zeros": lambda w, fans, g: nn.init.zeros_(w),
    "torch": lambda w, fans, g: _uniform(w, 1 / sqrt(fans[0]), g),
}
