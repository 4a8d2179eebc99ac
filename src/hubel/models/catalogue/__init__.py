"""Named networks: each a line of notation where it can be, with where it was published.

An entry added here can be trained (`--model NAME`), analysed and listed; nothing else is needed.
Here belongs one file a family. What can't be a line is a module of `models`, made by its entry.
"""

from __future__ import annotations

from hubel.models.catalogue.alexnet import ALEXNETS
from hubel.models.catalogue.cct import CCTS
from hubel.models.catalogue.convnext import CONVNEXTS
from hubel.models.catalogue.densenet import DENSENETS
from hubel.models.catalogue.entry import Named
from hubel.models.catalogue.inception import GOOGLENETS
from hubel.models.catalogue.lenet import LENETS
from hubel.models.catalogue.linear import LINEAR
from hubel.models.catalogue.mobilenet import MOBILENETS
from hubel.models.catalogue.resnet import RESNETS
from hubel.models.catalogue.squeezenet import SQUEEZENETS
from hubel.models.catalogue.vgg import VGGS
from hubel.models.catalogue.vit import VITS

__all__ = ["CATALOGUE", "Named", "named"]

_FAMILIES = (
    *(LINEAR, LENETS, ALEXNETS, VGGS, GOOGLENETS, RESNETS, SQUEEZENETS, DENSENETS),
    *(MOBILENETS, VITS, CCTS, CONVNEXTS),
)

CATALOGUE: dict[str, Named] = {entry.name: entry for family in _FAMILIES for entry in family}


def named(name: str) -> Named | None:
    """The entry of a name or of another name for the same; None where there is none.

    Example:
        >>> entry = named("lenet")
        >>> entry.name
        'lenet5'
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    return next((entry for entry in CATALOGUE.values() if name in entry.aliases), None)
