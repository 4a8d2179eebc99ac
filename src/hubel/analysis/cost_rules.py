"""What each kind of operator of a forward pass costs, and which cost nothing.

Counts are of one pass at the traced sizes. Products (multiply-adds of contractions) are told apart
from every other kind of work, so that each published convention is a weighted sum of the kinds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from hubel.analysis.conventions import Convention
from hubel.analysis.recording.graph import Operator, Value

__all__ = [
    "MAKES",
    "MOVES",
    "NO_TRAFFIC",
    "RULES",
    "Rule",
    "Work",
    "convolution_products",
    "elementwise",
    "sampled",
    "words",
]


@dataclass(frozen=True, slots=True)
class Work:
    """How much of each kind of arithmetic.

    Attributes:
        products: multiply-adds of convolutions, matrix products and attention.
        bias: elements that a bias is added to by those.
        norm: elements that are normalised.
        activation: elements that go through a nonlinearity or a softmax.
        pooling: elements that means and average poolings read and give.
        max_pooling: elements that maxima read.
        elementwise: elements of other arithmetic: sums, products, resizing, random draws.
    """

    products: int = 0
    bias: int = 0
    norm: int = 0
    activation: int = 0
    pooling: int = 0
    max_pooling: int = 0
    elementwise: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(
            self.products + other.products,
            self.bias + other.bias,
            self.norm + other.norm,
            self.activation + other.activation,
            self.pooling + other.pooling,
            self.max_pooling + other.max_pooling,
            self.elementwise + other.elementwise,
        )

    @property
    def flops(self) -> int:
        """Floating-point operations: 2 a product, 2 a normalised element, 1 for all else."""
        rest = self.bias + self.activation + self.pooling + self.max_pooling + self.elementwise
        return 2 * (self.products + self.norm) + rest

    def count(self, convention: Convention) -> int:
        """Multiply-adds under a convention."""
        return round(
            self.products
            + convention.bias * self.bias
            + convention.norm * self.norm
            + convention.activation * self.activation
            + convention.pooling * self.pooling
            + convention.max_pooling * self.max_pooling
            + convention.elementwise * self.elementwise
        )


Rule = Callable[[Operator], Work]


def _numel(values: Iterable[Value]) -> int:
    return max((value.numel for value in values), default=0)


def _out(op: Operator) -> int:
    return op.outputs[0].numel if op.outputs else 0


def elementwise(op: Operator) -> Work:
    return Work(elementwise=_numel(op.outputs) or _numel(op.inputs))


def _activation(op: Operator) -> Work:
    return Work(activation=_out(op))


def _norm(op: Operator) -> Work:
    return Work(norm=op.inputs[0].numel)


def _mean(op: Operator) -> Work:
    return Work(pooling=op.inputs[0].numel + _out(op))


def _average_pooling(op: Operator) -> Work:
    """What it reads, a window for each output, and what it gives."""
    kernel: Any = op.arguments[1]
    axes = len(op.inputs[0].shape) - 2
    window = math.prod(kernel) if len(kernel) == axes else kernel[0] ** axes
    return Work(pooling=_out(op) * (window + 1))


def _max_pooling(op: Operator) -> Work:
    return Work(max_pooling=op.inputs[0].numel)


def _reduction(op: Operator) -> Work:
    return Work(elementwise=_numel(op.inputs))


def _argument(op: Operator, position: int, name: str, default: Any = None) -> Any:
    if len(op.arguments) > position:
        return op.arguments[position]
    return op.keywords.get(name, default)


def _convolution(op: Operator) -> Work:
    x, weight = op.inputs[:2]
    products = convolution_products(x, weight, op.outputs[0], bool(_argument(op, 6, "transposed")))
    return Work(products=products, bias=_out(op) if _argument(op, 2, "bias") is not None else 0)


def convolution_products(x: Value, weight: Value, out: Value, transposed: bool) -> int:
    """A weight's first axis is what the convolution gives, for a transposed one what it takes."""
    positions = math.prod((x if transposed else out).shape[2:])
    return x.shape[0] * positions * weight.numel


def _matrix_product(op: Operator) -> Work:
    left, right = op.inputs[-2:]
    columns = right.shape[-1] if len(right.shape) > 1 else 1
    return Work(products=left.numel * columns)


def _biased_matrix_product(op: Operator) -> Work:
    bias = 0 if op.keywords.get("beta", 1) == 0 else _out(op)
    return _matrix_product(op) + Work(bias=bias)


def _linear(op: Operator) -> Work:
    x, weight = op.inputs[:2]
    bias = _out(op) if _argument(op, 2, "bias") is not None else 0
    return Work(products=x.numel * weight.shape[0], bias=bias)


def _trilinear(op: Operator) -> Work:
    """Three factors and a sum over some axes: the first two are multiplied, then the third.

    Axes that the third lacks are summed before it is multiplied in, as PyTorch's kernel does.
    """
    one, two, three = (
        _unsqueezed(value.shape, axes)
        for value, axes in zip(op.inputs, op.arguments[3:6], strict=True)
    )
    first = [max(sizes) for sizes in zip(one, two, strict=True)]
    summed = set(op.arguments[6]) & set(op.arguments[5])
    left = [1 if axis in summed else size for axis, size in enumerate(first)]
    second = [max(sizes) for sizes in zip(left, three, strict=True)]
    return Work(products=math.prod(first) + math.prod(second))


def _unsqueezed(shape: Iterable[int], axes: Iterable[int]) -> list[int]:
    sizes = list(shape)
    for axis in sorted(axes):
        sizes.insert(axis, 1)
    return sizes


def _distances(op: Operator) -> Work:
    """For each pair and coordinate a difference, its power, and the sum."""
    return Work(elementwise=3 * _out(op) * op.inputs[0].shape[-1])


def _distances_by_product(op: Operator) -> Work:
    """As PyTorch does for many rows: one matrix product of rows that carry their norms."""
    one, two = op.inputs[:2]
    products = _out(op) * (one.shape[-1] + 2)
    return Work(products=products, elementwise=one.numel + two.numel + 2 * _out(op))


def _attention_parts(op: Operator) -> tuple[int, int]:
    query, key, value = op.inputs[:3]
    scores = math.prod(query.shape[:-1]) * key.shape[-2]
    return scores * (query.shape[-1] + value.shape[-1]), scores


def _attention(op: Operator) -> Work:
    products, scores = _attention_parts(op)
    return Work(products=products, activation=scores)


def _deformable(op: Operator) -> Work:
    weight, out = op.inputs[1], op.outputs[0]
    products = convolution_products(op.inputs[0], weight, out, False)
    return Work(products=products, bias=out.numel, elementwise=sampled(op.inputs[0], weight, out))


def sampled(x: Value, weight: Value, out: Value) -> int:
    """Bilinear samples of a deformable convolution, one an input channel, tap and position.

    Each is the sum of 4 neighbours.
    """
    positions = out.shape[0] * math.prod(out.shape[2:])
    return 4 * positions * x.shape[1] * math.prod(weight.shape[2:])


def _recurrent(op: Operator) -> Work:
    """Every weight meets every time step once: gates x (input + hidden) x hidden products a step.

    Source: the equations in PyTorch's documentation of LSTM, GRU and RNN, and their biases; a gate
    is a nonlinearity an element, as is the cell's state; the rest is how the states are mixed.
    """
    x, weights = op.inputs[0], op.arguments[1]
    steps, size = x.shape[0] * x.shape[1], op.arguments[7]
    passes = len(weights) // op.arguments[2]
    gates = weights[0].shape[0] // size
    nonlinear, mixing = {1: (1, 1), 3: (3, 6), 4: (5, 8)}[gates]
    return Work(
        products=steps * sum(each.numel for each in weights if len(each.shape) == 2),
        bias=steps * sum(each.numel for each in weights if len(each.shape) == 1),
        activation=steps * passes * nonlinear * size,
        elementwise=steps * passes * mixing * size,
    )


def _nothing(_op: Operator) -> Work:
    return Work()


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ACTIVATIONS = words(
    "relu relu6 gelu silu elu celu selu mish tanh sigmoid hardtanh hardswish hardsigmoid "
    "leaky_relu prelu _prelu_kernel softplus softshrink hardshrink threshold glu log_sigmoid "
    "log_sigmoid_forward rrelu rrelu_with_noise _softmax _safe_softmax _log_softmax"
)
_NORMS = words(
    "native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training "
    "_native_batch_norm_legit_functional _batch_norm_with_update _batch_norm_no_update "
    "cudnn_batch_norm miopen_batch_norm native_layer_norm native_group_norm _fused_rms_norm "
    "rms_norm"
)
_AVERAGE_POOLS = words("avg_pool1d avg_pool2d avg_pool3d")
_ADAPTIVE = words("_adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_avg_pool1d mean")
_MAXIMA = words(
    "max_pool2d_with_indices max_pool3d_with_indices max_pool1d max_pool2d max_pool3d "
    "adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d amax amin max min argmax argmin "
    "fractional_max_pool2d"
)
_REDUCTIONS = words(
    "sum prod var var_mean std std_mean norm linalg_vector_norm cumsum cumprod sort topk any all "
    "logsumexp nansum count_nonzero median kthvalue _weight_norm_interface "
    "floor_divide histc bincount isin unique_dim"
)
_RESIZES = words(
    "upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact2d "
    "upsample_bilinear2d upsample_linear1d upsample_trilinear3d upsample_bicubic2d "
    "_upsample_bilinear2d_aa _upsample_bicubic2d_aa grid_sampler_2d grid_sampler_3d "
    "affine_grid_generator bernoulli uniform normal random rand randn rand_like randn_like "
    "native_dropout randperm randint exponential geometric masked_fill masked_scatter where "
    "index_add scatter_add scatter_reduce index_put _index_put_impl im2col col2im tril triu "
    "erfinv cross lerp addcmul addcdiv one_hot _foreach_add"
)
MOVES = words(
    "clone copy cat stack constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d "
    "replication_pad1d replication_pad2d replication_pad3d roll flip rot90 index index_select "
    "gather scatter take embedding _unsafe_view _reshape_alias reshape _to_copy to contiguous "
    "detach alias lift_fresh lift_fresh_copy pixel_shuffle pixel_unshuffle channel_shuffle "
    "repeat repeat_interleave unfold_backward slice_backward select_backward slice_scatter "
    "select_scatter as_strided_scatter diag_embed block_diag meshgrid unsafe_split "
    "unsafe_split_with_sizes unsafe_chunk split_with_sizes_copy set resize view_as_real_copy "
    "_pin_memory masked_select nonzero diagonal_backward permute_copy expand_copy "
    "native_channel_shuffle atleast_2d broadcast_to _conj_physical _local_scalar_dense"
)
MAKES = words(
    "empty empty_like empty_strided empty_permuted new_empty new_empty_strided zeros zeros_like "
    "new_zeros ones ones_like new_ones full full_like new_full fill zero arange linspace eye "
    "scalar_tensor tril_indices triu_indices logspace hann_window"
)
NO_TRAFFIC = words(
    "empty empty_like empty_strided empty_permuted new_empty new_empty_strided detach detach_ "
    "_unsafe_view _reshape_alias alias lift_fresh set_ _local_scalar_dense "
    "unsafe_split unsafe_split_with_sizes unsafe_chunk"
)

RULES: dict[str, Rule] = {
    "convolution": _convolution,
    "_convolution": _convolution,
    "mm": _matrix_product,
    "bmm": _matrix_product,
    "mv": _matrix_product,
    "dot": _matrix_product,
    "vdot": _matrix_product,
    "_trilinear": _trilinear,
    "_cdist_forward": _distances,
    "_euclidean_dist": _distances_by_product,
    "addmm": _biased_matrix_product,
    "addmv": _biased_matrix_product,
    "baddbmm": _biased_matrix_product,
    "_addmm_activation": _biased_matrix_product,
    "linear": _linear,
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "_scaled_dot_product_flash_attention": _attention,
    "_scaled_dot_product_efficient_attention": _attention,
    "_scaled_dot_product_cudnn_attention": _attention,
    "torchvision::deform_conv2d": _deformable,
    "_cudnn_rnn": _recurrent,
    "_assert_async": _nothing,
    "sym_size": _nothing,
    **dict.fromkeys(_ACTIVATIONS, _activation),
    **dict.fromkeys(_NORMS, _norm),
    **dict.fromkeys(_AVERAGE_POOLS, _average_pooling),
    **dict.fromkeys(_ADAPTIVE, _mean),
    **dict.fromkeys(_MAXIMA, _max_pooling),
    **dict.fromkeys(_REDUCTIONS, _reduction),
    **dict.fromkeys(_RESIZES, elementwise),
}
