"""The table of words: each with its kernel, its options, their defaults, and one line of meaning.

A new word is one entry here, one rule for its output in `rules`, and one line in `builder`.
"""

from __future__ import annotations

from hubel.models.notation.options import Definition, Kind, Option, Settings
from hubel.models.notation.tree import Word

__all__ = ["ACTIVATIONS", "INITS", "WORDS", "settings_of"]

INITS = ("kaiming", "xavier", "lecun", "orthogonal", "normal", "zeros", "torch")

_INIT = Option(
    name="init", kind=Kind.CHOICE, choices=INITS, doc="how its weights are drawn at the start"
)
_BIAS = Option(name="bias", kind=Kind.YES, default=True, doc="whether a number is added a channel")
_DILATION = Option(
    name="dilation", kind=Kind.SIDES, default=1, low=1, doc="step between the kernel's taps"
)
_GROUPS = Option(
    name="groups", kind=Kind.COUNT, default=1, low=1, doc="channels fall into so many parts"
)
_PAD = Option(
    name="pad",
    kind=Kind.PAD,
    default="same",
    choices=("same", "valid"),
    doc="zeros on both sides; same gives an output as large as the input over the stride; "
    "valid is none",
)
_POOL_PAD = Option(name="pad", kind=Kind.SIDES, default=0, doc="border on both sides")
_CEIL = Option(
    name="ceil", kind=Kind.YES, default=False, doc="keep the last window where it is not whole"
)
_TAPS = Option(
    name="taps", kind=Kind.COUNT, default=3, low=2, high=9, positional=True,
    doc="of the binomial filter, an axis",
)  # fmt: skip
_AFFINE = Option(
    name="affine", kind=Kind.YES, default=True, doc="whether scale and shift are learned"
)


def _channels(doc: str) -> Option:
    return Option(name="channels", kind=Kind.COUNT, low=1, positional=True, required=True, doc=doc)


def _eps(default: float) -> Option:
    return Option(
        name="eps", kind=Kind.NUMBER, default=default, doc="added to the variance", low=0, high=1
    )


_CONVOLUTIONS = (
    Definition(
        name="conv",
        doc="convolution",
        example="conv3x3/2(64, groups=4)",
        kernel=True,
        stride=True,
        options=(_channels("filters"), _GROUPS, _DILATION, _PAD, _BIAS, _INIT),
    ),
    Definition(
        name="dwconv",
        doc="depthwise convolution: each channel has filters of its own",
        example="dwconv7x7",
        kernel=True,
        stride=True,
        options=(
            Option(
                name="multiplier", kind=Kind.COUNT, default=1, low=1, positional=True,
                doc="filters a channel",
            ),
            _DILATION, _PAD, _BIAS, _INIT,
        ),
    ),
    Definition(
        name="tconv",
        doc="transposed convolution",
        example="tconv2x2/2(64)",
        kernel=True,
        stride=True,
        options=(
            _channels("filters"),
            _GROUPS,
            _DILATION,
            Option(name="pad", kind=Kind.SIDES, default=0, doc="rows cut off on both sides"),
            Option(name="outpad", kind=Kind.SIDES, default=0, doc="rows added at the end"),
            _BIAS,
            _INIT,
        ),
    ),
)  # fmt: skip

_POOLS = (
    Definition(
        name="maxpool",
        doc="largest in each window; the stride is the kernel unless it is given",
        example="maxpool3x3/2(pad=1)",
        kernel=True,
        stride=True,
        options=(_DILATION, _POOL_PAD, _CEIL),
    ),
    Definition(
        name="avgpool",
        doc="mean of each window; the stride is the kernel unless it is given",
        example="avgpool2",
        kernel=True,
        stride=True,
        options=(
            _POOL_PAD,
            _CEIL,
            Option(
                name="countpad", kind=Kind.YES, default=True, doc="the border counts in the mean"
            ),
        ),
    ),
    Definition(
        name="blurpool",
        doc="anti-aliased subsampling: a fixed binomial filter, then every n-th (arXiv 1904.11486)",
        example="blurpool2",
        kernel=True,
        options=(_TAPS,),
    ),
    Definition(
        name="maxblurpool",
        doc="largest in each window at stride 1, then blurpool by the stride (default: the kernel)",
        example="maxblurpool2",
        kernel=True,
        stride=True,
        options=(_TAPS, _POOL_PAD),
    ),
    Definition(
        name="adaptiveavgpool",
        doc="mean over windows that give this output size",
        example="adaptiveavgpool7x7",
        kernel=True,
    ),
    Definition(
        name="adaptivemaxpool",
        doc="largest over windows that give this output size",
        example="adaptivemaxpool7x7",
        kernel=True,
    ),
    Definition(name="gap", doc="mean over all positions or tokens", example="gap"),
    Definition(name="gmp", doc="largest over all positions or tokens", example="gmp"),
)

_NORMS = (
    Definition(name="bn", doc="batch norm", example="bn", options=(_eps(1e-5), _AFFINE)),
    Definition(
        name="in",
        doc="instance norm: over the positions of each channel",
        example="in",
        options=(
            _eps(1e-5),
            Option(
                name="affine", kind=Kind.YES, default=False,
                doc="whether scale and shift are learned",
            ),
        ),
    ),
    Definition(
        name="gn",
        doc="group norm",
        example="gn(32)",
        options=(
            Option(
                name="groups", kind=Kind.COUNT, low=1, positional=True, required=True,
                doc="of channels",
            ),
            _eps(1e-5),
            _AFFINE,
        ),
    ),
    Definition(
        name="norm",
        doc="layer norm over the channels at each position",
        example="norm",
        options=(_eps(1e-6), _AFFINE),
    ),
    Definition(
        name="lrn",
        doc="local response norm across neighbouring channels",
        example="lrn(5, k=2)",
        options=(
            Option(
                name="size", kind=Kind.COUNT, default=5, low=1, positional=True, doc="channels"
            ),
            Option(name="alpha", kind=Kind.NUMBER, default=1e-4, doc="factor"),
            Option(name="beta", kind=Kind.NUMBER, default=0.75, doc="exponent"),
            Option(name="k", kind=Kind.NUMBER, default=1.0, doc="added before the power"),
        ),
    ),
)  # fmt: skip

_PLAIN_ACTIVATIONS = {
    "relu": "max(0, x)",
    "relu6": "relu, at most 6",
    "gelu": "x times the normal distribution function",
    "silu": "x times sigmoid(x), also named swish",
    "tanh": "hyperbolic tangent",
    "sigmoid": "1 / (1 + exp(-x))",
    "softplus": "log(1 + exp(x))",
    "mish": "x times tanh(softplus(x))",
    "hardswish": "x times relu6(x + 3) / 6",
    "hardsigmoid": "relu6(x + 3) / 6",
    "elu": "x, or exp(x) - 1 below 0",
}
_SLOPED = {
    "leakyrelu": Definition(
        name="leakyrelu",
        doc="x, or slope times x below 0",
        example="leakyrelu(0.01)",
        options=(
            Option(name="slope", kind=Kind.NUMBER, default=0.01, positional=True, doc="below 0"),
        ),
    ),
    "prelu": Definition(name="prelu", doc="leakyrelu with one learned slope", example="prelu"),
}
ACTIVATIONS = (*_PLAIN_ACTIVATIONS, *_SLOPED)

_ACTIVATIONS = (
    *(Definition(name=name, doc=doc, example=name) for name, doc in _PLAIN_ACTIVATIONS.items()),
    *_SLOPED.values(),
    Definition(name="softmax", doc="over the channels: positive, sum 1", example="softmax"),
    Definition(name="identity", doc="gives what it takes", example="identity"),
)

_NOISE_AND_SCALE = (
    Definition(
        name="dropout",
        doc="sets values to zero in training",
        example="dropout(0.5)",
        options=(
            Option(
                name="p", kind=Kind.NUMBER, default=0.5, high=1, positional=True, doc="share"
            ),
        ),
    ),
    Definition(
        name="droppath",
        doc="stochastic depth: sets whole samples to zero in training (arXiv 1603.09382)",
        example="droppath(0.1)",
        options=(
            Option(
                name="p", kind=Kind.NUMBER, high=1, positional=True, required=True, doc="share"
            ),
        ),
    ),
    Definition(
        name="scale",
        doc="layer scale: one learned factor a channel (arXiv 2103.17239)",
        example="scale(1e-6)",
        options=(
            Option(
                name="start", kind=Kind.NUMBER, default=1e-6, low=float("-inf"), positional=True,
                doc="its value before training",
            ),
        ),
    ),
)  # fmt: skip

_VECTORS = (
    Definition(name="flatten", doc="all values in one row, channels first", example="flatten"),
    Definition(
        name="fc",
        doc="fully connected; on tokens, for each; without a width: the class scores",
        example="fc(120)",
        options=(
            Option(name="width", kind=Kind.COUNT, low=1, positional=True, doc="outputs"),
            _BIAS,
            _INIT,
        ),
    ),
)

_CONTAINERS = (
    Definition(
        name="residual",
        doc="the body's output plus the input, or plus the shortcut's output",
        example="residual(conv3x3/2(64) bn | conv1x1/2(64))",
        bodies=(1, 2),
    ),
    Definition(
        name="branches",
        doc="the outputs of all, one after the other along the channels",
        example="branches(conv1x1(8) | conv3x3(16))",
        bodies=(2, 64),
    ),
    Definition(
        name="se",
        doc="squeeze-excite: each channel times a factor from all channels (arXiv 1709.01507)",
        example="se(reduction=16)",
        options=(
            Option(
                name="hidden", kind=Kind.COUNT, low=1, positional=True,
                doc="width between; else channels / reduction",
            ),
            Option(name="reduction", kind=Kind.COUNT, default=16, low=1, doc="channels / width"),
            Option(
                name="activation", kind=Kind.CHOICE, default="relu", choices=ACTIVATIONS,
                doc="between",
            ),
            Option(
                name="gate", kind=Kind.CHOICE, default="sigmoid", choices=ACTIVATIONS,
                doc="of the factor",
            ),
        ),
    ),
)  # fmt: skip

_TOKENS = (
    Definition(
        name="patch",
        doc="grid to tokens: a convolution whose stride is its kernel, no padding, row by row",
        example="patch4(192)",
        kernel=True,
        options=(_channels("of a token"), _BIAS, _INIT),
    ),
    Definition(name="tokens", doc="grid to tokens: one a position, row by row", example="tokens"),
    Definition(name="grid", doc="tokens back to the grid that they came from", example="grid"),
    Definition(name="classtoken", doc="puts one learned token before", example="classtoken"),
    Definition(
        name="positions",
        doc="adds a learned value at each position; fixes the input's size",
        example="positions",
    ),
    Definition(name="first", doc="tokens to a vector: the first token", example="first"),
    Definition(
        name="seqpool",
        doc="tokens to a vector: their mean, weighted by a learned softmax (arXiv 2104.05704)",
        example="seqpool",
    ),
    Definition(
        name="attention",
        doc="multi-head self-attention on tokens (arXiv 1706.03762)",
        example="attention(6)",
        options=(
            Option(
                name="heads", kind=Kind.COUNT, low=1, positional=True, required=True,
                doc="they divide the channels",
            ),
            _BIAS,
            Option(name="qkvbias", kind=Kind.YES, doc="bias of the first product; else as bias"),
            _INIT,
        ),
    ),
)  # fmt: skip

WORDS: dict[str, Definition] = {
    definition.name: definition
    for part in (
        _CONVOLUTIONS, _POOLS, _NORMS, _ACTIVATIONS, _NOISE_AND_SCALE, _VECTORS, _CONTAINERS,
        _TOKENS,
    )
    for definition in part
}  # fmt: skip


def settings_of(word: Word) -> Settings:
    """The word's options, with the defaults for those that it doesn't give.

    Example:
        >>> from hubel.models.notation import parse
        >>> settings_of(parse("conv3x3(64)").items[0]).count("groups")
        1
    """
    return Settings(WORDS[word.name], word)
