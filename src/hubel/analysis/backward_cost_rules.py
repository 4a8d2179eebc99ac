"""What each operator of a backward pass costs.

Only what is listed counts as one operation an element; every other one is an error, as in the
forward pass.
"""

from __future__ import annotations

import math
from typing import Any

from hubel.analysis.cost_rules import (
    Rule,
    Work,
    convolution_products,
    elementwise,
    sampled,
    words,
)
from hubel.analysis.recording.graph import Operator

__all__ = ["BACKWARD_RULES"]


def _convolution_backward(op: Operator) -> Work:
    gradient, x, weight = op.inputs[:3]
    mask: Any = op.arguments[-1]
    each = convolution_products(x, weight, gradient, bool(op.arguments[7]))
    return Work(
        products=each * (bool(mask[0]) + bool(mask[1])), bias=gradient.numel * bool(mask[2])
    )


def _attention_backward(op: Operator) -> Work:
    """Scores again, then the gradients of values, weights, queries and keys: five products."""
    query, key, value = op.inputs[1:4]
    scores = math.prod(query.shape[:-1]) * key.shape[-2]
    products = scores * (3 * query.shape[-1] + 2 * value.shape[-1])
    return Work(products=products, activation=scores)


def _deformable_backward(op: Operator) -> Work:
    """Gradients of the input and of the weight, a product each, and the samples three times.

    They are taken again, and their gradients go to the input and to the offsets. The kernel gives
    all gradients, asked for or not.
    """
    gradient, x, weight = op.inputs[:3]
    products = 2 * convolution_products(x, weight, gradient, False)
    samples = 3 * sampled(x, weight, gradient)
    return Work(products=products, bias=gradient.numel, elementwise=samples)


def _distances_backward(op: Operator) -> Work:
    """For each pair and coordinate a difference, its scale, and the sum."""
    gradient, x = op.inputs[:2]
    return Work(elementwise=3 * gradient.numel * x.shape[-1])


def _recurrent_backward(op: Operator) -> Work:
    """A product for each gradient: of weights, of each step's state, and of each layer's input.

    The first state's and the network's input may ask for none.
    """
    x, weights, group = op.inputs[0], op.arguments[1], op.arguments[2]
    mask: Any = op.arguments[-1]
    length = x.shape[1] if op.arguments[14] else x.shape[0]
    batch = x.shape[0] * x.shape[1] // length
    directions = 2 if op.arguments[17] else 1
    products = 0
    for place, weight in enumerate(weights):
        layer, role = place // (group * directions), place % group
        if len(weight.shape) == 2:
            inner = length - (role == 1 and not mask[1])
            is_asked = role > 0 or layer > 0 or mask[0]
            products += batch * weight.numel * (length * bool(mask[3]) + inner * is_asked)
    biases = [weight.numel for weight in weights if len(weight.shape) == 1]
    states = batch * length * (len(weights) // group) * op.arguments[11]
    return Work(
        products=products,
        bias=batch * length * sum(biases) * bool(mask[3]),
        elementwise=2 * weights[0].shape[0] // op.arguments[11] * states,
    )


_POINTWISE = words(
    "_log_softmax_backward_data _softmax_backward_data _masked_softmax_backward "
    "_prelu_kernel_backward elu_backward gelu_backward glu_backward hardshrink_backward "
    "hardsigmoid_backward hardswish_backward hardtanh_backward leaky_relu_backward "
    "log_sigmoid_backward logit_backward mish_backward native_dropout_backward "
    "rrelu_with_noise_backward sigmoid_backward silu_backward softplus_backward "
    "softshrink_backward tanh_backward threshold_backward binary_cross_entropy_backward "
    "huber_loss_backward mse_loss_backward multi_margin_loss_backward nll_loss2d_backward "
    "multilabel_margin_loss_backward nll_loss_backward smooth_l1_loss_backward "
    "soft_margin_loss_backward"
)
_NORMS = words(
    "native_batch_norm_backward batch_norm_backward cudnn_batch_norm_backward "
    "miopen_batch_norm_backward native_group_norm_backward native_layer_norm_backward "
    "_fused_rms_norm_backward _weight_norm_interface_backward"
)
_POOLINGS = words(
    "_adaptive_avg_pool2d_backward _adaptive_avg_pool3d_backward adaptive_max_pool2d_backward "
    "adaptive_max_pool3d_backward avg_pool2d_backward avg_pool3d_backward "
    "fractional_max_pool2d_backward fractional_max_pool3d_backward max_pool2d_backward "
    "max_pool2d_with_indices_backward max_pool3d_with_indices_backward"
)
_RESIZES = words(
    "_upsample_bicubic2d_aa_backward _upsample_bilinear2d_aa_backward "
    "_upsample_nearest_exact1d_backward _upsample_nearest_exact2d_backward "
    "_upsample_nearest_exact3d_backward upsample_bicubic2d_backward upsample_bilinear2d_backward "
    "upsample_linear1d_backward upsample_nearest1d_backward upsample_nearest2d_backward "
    "upsample_nearest3d_backward upsample_trilinear3d_backward grid_sampler_2d_backward "
    "grid_sampler_3d_backward reflection_pad1d_backward reflection_pad2d_backward "
    "reflection_pad3d_backward replication_pad1d_backward replication_pad2d_backward "
    "replication_pad3d_backward embedding_dense_backward"
)

BACKWARD_RULES: dict[str, Rule] = {
    "convolution_backward": _convolution_backward,
    "torchvision::_deform_conv2d_backward": _deformable_backward,
    "_scaled_dot_product_flash_attention_for_cpu_backward": _attention_backward,
    "_scaled_dot_product_flash_attention_backward": _attention_backward,
    "_scaled_dot_product_efficient_attention_backward": _attention_backward,
    "_cudnn_rnn_backward": _recurrent_backward,
    "_cdist_backward": _distances_backward,
    **dict.fromkeys(_POINTWISE, elementwise),
    **dict.fromkeys(_NORMS, elementwise),
    **dict.fromkeys(_POOLINGS, elementwise),
    **dict.fromkeys(_RESIZES, elementwise),
}
