"""LeNet-5: as people write it today, and as the paper has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hubel.models.catalogue.entry import Named

if TYPE_CHECKING:
    from torch import nn

__all__ = ["LENETS"]

_SOURCE = "LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition"
_URL = "doi:10.1109/5.726791"


def _lenet5_1998(**given: Any) -> nn.Module:
    from hubel.models.lenet import LeNet5

    return LeNet5(**given)


LENETS = (
    Named(
        name="lenet5",
        title="LeNet-5",
        source=_SOURCE,
        year=1998,
        url=_URL,
        line="conv5x5(6, valid) tanh avgpool2 conv5x5(16, valid) tanh avgpool2 "
        "flatten fc(120) tanh fc(84) tanh fc",
        input=(1, 32, 32),
        num_classes=10,
        aliases=("lenet",),
        notes="The form of today: C3 sees every map of S2, subsampling has no weights, the tanh "
        "is not scaled, and the last layer is a product. The paper's own is lenet5-1998.",
    ),
    Named(
        name="lenet5-1998",
        title="LeNet-5 (1998)",
        source=_SOURCE,
        year=1998,
        url=_URL,
        make=_lenet5_1998,
        input=(1, 32, 32),
        num_classes=10,
        notes="The codes of the output layer are random; the paper draws pictures of the "
        "characters, and names random ones as the other choice. Distances are given with the "
        "sign turned, so that the largest score wins.",
    ),
)
