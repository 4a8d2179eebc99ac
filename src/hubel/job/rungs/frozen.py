"""The rung of a pretrained network that stays as it is, with a linear classifier at its end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hubel.errors import RecipeError
from hubel.job.prepare import Material
from hubel.job.rungs.described import Described
from hubel.job.rungs.linear import LinearFit
from hubel.models.architecture import Architecture
from hubel.models.zoo import timm
from hubel.models.zoo.building import statistics
from hubel.training.exact import UNTREATED, Balance, LinearObjective

__all__ = ["Weights", "frozen_fit", "weights_at_hand"]

_NONE = (
    "no weights at hand; put those of a network of timm into the cache of Hugging Face "
    "(HF_HOME), by training once with: --model timm:NAME --set pretrained=on"
)


@dataclass(frozen=True, slots=True)
class Weights:
    """Trained weights of timm on this disk: the name, with its tag, and the file."""

    name: str
    path: Path


def weights_at_hand() -> Weights | None:
    """The smallest weights of timm in the local cache of Hugging Face; nothing is fetched."""
    from huggingface_hub import constants

    cache = Path(constants.HF_HUB_CACHE)
    found = [
        Weights(path.parents[2].name.removeprefix("models--timm--"), path)
        for path in cache.glob("models--timm--*/snapshots/*/model.safetensors")
    ]
    known = [one for one in found if one.name.partition(".")[0] in timm.names()]
    return min(known, key=lambda one: (one.path.stat().st_size, one.name), default=None)


def frozen_fit(material: Material, seed: int, balance: Balance = UNTREATED) -> LinearFit:
    """The fit of the last layer of the network whose weights are at hand, not begun.

    Raises:
        RecipeError: there are no weights at hand, or the network doesn't take such pictures.
    """
    found = weights_at_hand()
    if found is None:
        raise RecipeError(_NONE)
    if material.preprocess.kind != "picture":
        raise RecipeError(f"the networks of timm are for pictures, not {material.preprocess.kind}s")
    architecture = Architecture(
        name=f"timm:{found.name}",
        in_channels=material.preprocess.num_channels,
        num_classes=len(material.dataset.manifest.classes),
        image_size=material.preprocess.size,
    ).check()
    module: Any = architecture.build(seed, fetch=False)
    _fill(module, found, architecture)
    module.to(memory_format=architecture.memory_format).eval()
    head = module.get_classifier()
    if not isinstance(head, nn.Linear):
        raise RecipeError(f"{architecture.name}: its last layer is no linear one")

    def describe(images_NCHW: Tensor) -> Tensor:
        return module.forward_head(module.forward_features(images_NCHW), pre_logits=True)

    preprocess = material.preprocess.with_statistics(*statistics(architecture))
    described = Described(architecture, preprocess, module, head, describe)
    return LinearFit(material, described, LinearObjective(balance=balance), seed)


def _fill(module: nn.Module, found: Weights, architecture: Architecture) -> None:
    """Put the weights in, adapted to channels and size as timm does it."""
    from timm import create_model

    sized: dict[str, Any] = (
        {"img_size": architecture.image_size} if timm.takes_size(found.name) else {}
    )
    try:
        with torch.random.fork_rng(devices=[]):
            source = create_model(
                found.name,
                pretrained=True,
                num_classes=architecture.num_classes,
                in_chans=architecture.in_channels,
                pretrained_cfg_overlay={"file": str(found.path)},
                **sized,
            )
        module.load_state_dict(source.state_dict())
    except Exception as error:  # a file that is damaged, or of another network: anything can come
        said = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise RecipeError(f"{found.path} can't be used: {said}") from error
