"""What other tools and papers call the words of the notation: an error says which is meant."""

from __future__ import annotations

import re
from difflib import get_close_matches

from hubel.models.notation.words import WORDS

__all__ = ["OTHER_NAMES", "meant_by"]

_NAMES = {
    "conv": "convolution convolutional",
    "dwconv": "depthwise depthwiseconv depthwiseconvolution dconv dw separable "
    "separableconv sepconv",
    "tconv": "upconv deconv deconvolution convt convtranspose convtransposed transposed transpose "
    "transposedconv transposeconv convolutiontranspose upsample upsampling upsamplingnearest "
    "upsamplingbilinear interpolate",
    "maxpool": "maxpooling mp pool pooling",
    "avgpool": "averagepool averagepooling avgpooling meanpool meanpooling ap",
    "blurpool": "antialias antialiased aa aapool",
    "maxblurpool": "blurmaxpool maxpoolblur",
    "adaptiveavgpool": "adaptiveaveragepool adaptiveaveragepooling adaptivepool adaptivepooling",
    "adaptivemaxpool": "adaptivemaxpooling",
    "gap": "globalavgpool globalaveragepool globalaveragepooling globalavgpooling globalpool "
    "globalpooling gavgpool",
    "gmp": "globalmaxpool globalmaxpooling",
    "bn": "batchnorm batchnormalization batchnormalisation",
    "gn": "groupnorm groupnormalization groupnormalisation",
    "in": "instancenorm instancenormalization instancenormalisation",
    "norm": "layernorm ln layernormalization layernormalisation",
    "lrn": "localresponsenorm localresponsenormalization responsenorm",
    "silu": "swish",
    "hardswish": "hswish",
    "hardsigmoid": "hsigmoid",
    "leakyrelu": "lrelu",
    "identity": "noop passthrough",
    "dropout": "drop",
    "droppath": "stochasticdepth dropconnect",
    "scale": "layerscale",
    "flatten": "reshape view",
    "fc": "dense linear fullyconnected innerproduct affine",
    "residual": "resblock residualblock shortcut skip skipconnection res",
    "branches": "concat concatenate cat parallel inception",
    "se": "squeezeexcite squeezeexcitation squeezeandexcitation senet",
    "patch": "patchembed patchembedding patchify",
    "classtoken": "clstoken cls",
    "positions": "posembed posembedding positionembedding positionalembedding "
    "positionalencoding position",
    "attention": "attn selfattention multiheadattention mhsa mha msa",
}
OTHER_NAMES: dict[str, str] = {
    other: word for word, others in _NAMES.items() for other in others.split()
}
_SIDES = re.compile(r"(?P<name>[a-z]+?)(?:[123]d)?(?P<sides>[0-9]+(?:x[0-9]+)*)?")
_NEAR = 0.8  # share of the letters: other names are many, and some are short


def meant_by(text: str) -> str | None:
    """The word that another name stands for, with the kernel that the text gives.

    Example:
        >>> meant_by("BatchNorm2d"), meant_by("upconv2x2"), meant_by("zebra")
        ('bn', 'tconv2x2', None)
    """
    plain = text.lower().replace("_", "")
    found = _SIDES.fullmatch(plain)
    if found is None:
        return None
    if plain in WORDS:
        return plain
    word, sides = _word(found["name"]), found["sides"] or ""
    return f"{word}{sides}" if word and WORDS[word].kernel else word


def _word(name: str) -> str | None:
    return name if name in WORDS else OTHER_NAMES.get(name) or _nearest(name)


def _nearest(name: str) -> str | None:
    """The other name that is very near, unless one of our own words is nearer."""
    near = get_close_matches(name, [*OTHER_NAMES, *WORDS], n=1, cutoff=_NEAR)
    return OTHER_NAMES.get(near[0]) if near else None
