"""Other tools' names for a word lead to that word, whatever their spelling."""

from __future__ import annotations

import pytest

from hubel.models.notation import NotationError, parse
from hubel.models.notation.other_names import OTHER_NAMES, meant_by
from hubel.models.notation.words import WORDS

MEANT = {
    "groupnorm(5)": "gn", "GroupNorm(5)": "gn", "group_norm(5)": "gn", "upconv2/2": "tconv2",
    "convT2x2/2": "tconv2x2", "deconv2x2/2": "tconv2x2", "depthwise3x3": "dwconv3x3",
    "transposed2x2/2": "tconv2x2", "ConvTranspose2d(8)": "tconv", "conv_transpose2x2": "tconv2x2",
    "batchnorm": "bn", "BatchNorm2d(64)": "bn", "batchnorm1d": "bn", "layernorm": "norm",
    "LayerNorm": "norm", "ln": "norm", "instancenorm": "in", "localresponsenorm": "lrn",
    "globalavgpool": "gap", "GlobalAveragePooling2D": "gap", "globalmaxpool": "gmp",
    "dense": "fc", "Dense(10)": "fc", "linear": "fc", "conv2d": "conv", "Conv2D(8)": "conv",
    "conv2d3x3(8)": "conv3x3", "averagepool": "avgpool", "averagepool3x3": "avgpool3x3",
    "MaxPool2d": "maxpool", "maxpooling2": "maxpool2", "upsample": "tconv", "swish": "silu",
    "stochasticdepth": "droppath", "concat": "branches", "mhsa(3)": "attention",
    "AdaptiveAvgPool2d": "adaptiveavgpool", "squeezeexcite": "se", "ReLU": "relu",
    "ReLU6": "relu6", "Conv3x3(8)": "conv3x3", "batchnrom": "bn", "depthwize3": "dwconv3",
}  # fmt: skip


@pytest.mark.parametrize("line", MEANT)
def test_another_tools_name_leads_to_ours(line: str) -> None:
    with pytest.raises(NotationError, match=rf"there is no word .*; did you mean {MEANT[line]}\?"):
        parse(line)


def test_no_other_name_is_a_word_and_all_lead_to_one() -> None:
    assert not OTHER_NAMES.keys() & WORDS.keys()
    assert set(OTHER_NAMES.values()) <= WORDS.keys()


@pytest.mark.parametrize("word", WORDS)
def test_a_word_with_a_letter_too_many_leads_to_no_other(
    word: str,
) -> None:
    meant = meant_by(f"{word}z")
    assert meant in (None, word)
