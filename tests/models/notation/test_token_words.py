"""Sequence pooling, and attention whose two products differ in their bias."""

from __future__ import annotations

import pytest
import torch

from hubel.models.notation import Vector, build, check, fixed_size


def test_seqpool_is_the_mean_weighted_by_a_softmax_over_the_tokens() -> None:
    # Hassani et al. 2021, equations 4 to 6: softmax(g(x)^T) x, with g linear to one number.
    module = build("tokens seqpool", (6, 9))
    x = torch.randn(2, 6, 9, generator=torch.Generator().manual_seed(0))
    score = module[1].score
    for sample, pooled in zip(x, module(x), strict=True):
        weights = [torch.exp(score.weight[0] @ token + score.bias[0]) for token in sample.T]
        mean = sum(w * token for w, token in zip(weights, sample.T, strict=True)) / sum(weights)
        torch.testing.assert_close(pooled, mean)


def test_seqpool_of_equal_tokens_is_that_token() -> None:
    token = torch.randn(1, 5, 1, generator=torch.Generator().manual_seed(1))
    module = build("tokens seqpool", (5, 7))
    torch.testing.assert_close(module(token.expand(1, 5, 7)), token.flatten(1))


def test_seqpool_gives_a_vector_and_takes_any_length() -> None:
    assert check("patch4(8) seqpool", (3, 8, 8)).output == Vector(8)
    assert not fixed_size("patch4(8) seqpool fc")
    assert fixed_size("patch4(8) positions seqpool fc")


@pytest.mark.parametrize(
    ("line", "biases"),
    [
        ("attention(2)", {"qkv.bias", "proj.bias"}),
        ("attention(2, bias=no)", set()),
        ("attention(2, qkvbias=no)", {"proj.bias"}),
        ("attention(2, bias=no, qkvbias=yes)", {"qkv.bias"}),
    ],
)
def test_the_first_product_has_the_bias_of_the_last_unless_it_says(
    line: str, biases: set[str]
) -> None:
    state = build(f"tokens {line}", (4, 3))[1].state_dict()
    assert {name for name in state if name.endswith("bias")} == biases
