"""A copy of a module without numbers: the same structure, every tensor on the meta device."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from hubel.errors import DesignError

__all__ = ["meta_twin", "tensors_of"]

_HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
)


def meta_twin(module: nn.Module) -> tuple[nn.Module, list[str]]:
    """Copy the structure and none of the numbers; the module itself is left alone.

    Args:
        module: on any device, with weights or without.

    Returns:
        A module whose parameters and buffers are on the meta device, tied ones still tied, and
        notes about hooks of the user that the copy does not run.

    Raises:
        DesignError: the module can't be copied, is scripted, or has parameters without a shape.

    Example:
        >>> twin, notes = meta_twin(nn.Linear(3, 2))
        >>> twin.weight.device.type, notes
        ('meta', [])
    """
    for path, part in module.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            raise DesignError(
                f"{path or 'the network'} is scripted or traced ({type(part).__name__}), so what "
                "runs in it can't be seen; give the module that was scripted"
            )
    module = _uncompiled(module)
    memo: dict[int, Any] = {}
    for name, tensor in tensors_of(module):
        if isinstance(tensor, nn.UninitializedParameter | nn.UninitializedBuffer):
            raise DesignError(
                f"{name} has no shape yet: the module is lazy; run it once on an example, or "
                "give its sizes, and ask again"
            )
        memo[id(tensor)] = _meta(tensor)
    try:
        with torch.inference_mode(False):
            for part in reversed(list(module.modules())):
                if _uncompiled(part) is not part:  # its copy is that of what it compiles
                    memo[id(part)] = copy.deepcopy(_uncompiled(part), memo)
            twin = copy.deepcopy(module, memo)
    except Exception as error:
        raise DesignError(
            f"{type(module).__name__} can't be copied ({type(error).__name__}: {error}); "
            "copy.deepcopy(module) must work, since the copy is what is measured"
        ) from error
    return twin, _without_foreign_hooks(twin)


def _uncompiled(module: nn.Module) -> nn.Module:
    """What `torch.compile` was given; told by name: to import its class loads the compiler."""
    is_compiled = type(module).__name__ == "OptimizedModule"
    inner = getattr(module, "_orig_mod", None) if is_compiled else None
    return _uncompiled(inner) if isinstance(inner, nn.Module) else module


def tensors_of(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters, buffers, and tensors that are plain attributes, each under one path."""
    for path, part in module.named_modules():
        held: dict[str, Tensor] = dict(part.named_parameters(recurse=False, remove_duplicate=False))
        held |= dict(part.named_buffers(recurse=False, remove_duplicate=False))
        held |= {name: x for name, x in vars(part).items() if isinstance(x, Tensor)}
        for name, tensor in held.items():
            yield f"{path}.{name}".lstrip("."), tensor


def _meta(tensor: Tensor) -> Tensor:
    with torch.inference_mode(False), torch.no_grad():
        # empty_like of a meta tensor runs in Python and loads sympy
        empty = torch.empty_strided(
            tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta"
        )
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(empty, requires_grad=tensor.requires_grad)
    return empty


def _without_foreign_hooks(twin: nn.Module) -> list[str]:
    """Hooks that PyTorch's own tools placed are part of the network; the user's would see meta."""
    removed = 0
    for part in twin.modules():
        for attribute in _HOOKS:
            hooks = getattr(part, attribute)
            for key, hook in list(hooks.items()):
                if not (getattr(hook, "__module__", None) or "").startswith("torch."):
                    del hooks[key]
                    removed += 1
    return [f"{removed} hooks of the user's were not run while measuring"] if removed else []
