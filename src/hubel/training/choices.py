"""What has a name in a recipe: losses, treatments of unequal classes, optimizers.

What each is, its paper, and its rules of thumb.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "BALANCES",
    "LOSSES",
    "OPTIMIZERS",
    "BalanceChoice",
    "LossChoice",
    "OptimizerChoice",
    "losses_of_several",
    "losses_that_take",
]


@dataclass(frozen=True, slots=True)
class LossChoice:
    """A loss by name.

    Attributes:
        text: what it is, in a few words.
        source: the paper.
        settings: of the recipe that have an effect with it alone, or with few others.
        several: it takes samples of several labels at once, or of none.
    """

    text: str
    source: str
    settings: frozenset[str]
    several: bool = False


@dataclass(frozen=True, slots=True)
class BalanceChoice:
    """A treatment of unequal classes by name.

    Attributes:
        text: what it does, in a few words.
        source: the paper.
    """

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class OptimizerChoice:
    """An optimizer by name.

    Attributes:
        text: what it does, in a few words.
        source: the paper.
        rate: for 256 pictures, of the convnet.
        other_rate: the same, of a network that is not our own.
        weight_decay: of our own networks.
        other_decay: of the others.
        momentum: as the field has it; None where it keeps none.
        adaptive: it divides by the size of past gradients, or of the step itself, so that the rate
            grows with the root of the batch (Malladi et al. 2022, arXiv 2205.10287).
    """

    text: str
    source: str
    rate: float
    other_rate: float
    weight_decay: float
    other_decay: float
    momentum: float | None
    adaptive: bool = False


_HINGED = frozenset({"margin", "squared"})

LOSSES: dict[str, LossChoice] = {
    "cross_entropy": LossChoice(
        "minus the log of the right class's probability",
        "label smoothing: Szegedy et al. 2016, arXiv 1512.00567",
        frozenset({"label_smoothing"}),
    ),
    "focal": LossChoice(
        "cross-entropy times (1 - p)^gamma: what is easy counts less",
        "Lin et al. 2017, arXiv 1708.02002",
        frozenset({"focal_gamma"}),
    ),
    # The lecture notes of CS231n call the sum the multiclass SVM loss; it is not Crammer's.
    "hinge": LossChoice(
        "sum over the wrong classes of max(0, wrong - right + margin)",
        "Weston and Watkins 1999, ESANN",
        _HINGED,
    ),
    "crammer_singer": LossChoice(
        "max(0, highest wrong - right + margin)",
        "Crammer and Singer 2001, JMLR 2",
        _HINGED,
    ),
    "one_vs_rest": LossChoice(
        "a two-class hinge for each class: max(0, margin - score), max(0, margin + score)",
        "Cortes and Vapnik 1995; Rifkin and Klautau 2004, JMLR 5",
        _HINGED,
    ),
    "binary_cross_entropy": LossChoice(
        "a yes or no for each class, so that a picture may have several",
        "Wightman et al. 2021, arXiv 2110.00476, section 2.2",
        frozenset(),
        several=True,
    ),
}

BALANCES: dict[str, BalanceChoice] = {
    "none": BalanceChoice("every picture counts the same", "empirical risk"),
    "weights": BalanceChoice(
        "every class counts the same in the loss, by weights of its pictures",
        "King and Zeng 2001, Political Analysis 9(2); Cui et al. 2019, arXiv 1901.05555",
    ),
    "sampler": BalanceChoice(
        "every class comes equally often in the batches",
        "Shen et al. 2016, arXiv 1512.05830; Kang et al. 2020, arXiv 1910.09217",
    ),
    "logit-adjust": BalanceChoice(
        "cross-entropy of the scores plus the log of each class's share",
        "Menon et al. 2021, arXiv 2007.07314, equation 10, tau = 1",
    ),
}

_PLAIN = (0.4, 0.1, 0.002, 0.0005)
_DECOUPLED = (0.002, 0.001, 0.05, 0.05)
# Their decay is an L2 penalty that is divided like the gradient: it shrinks little where gradients
# are large (Loshchilov and Hutter 2019). Who wants decay takes adamw.
_COUPLED = (0.002, 0.001, 0.0, 0.0)

OPTIMIZERS: dict[str, OptimizerChoice] = {
    "sgd": OptimizerChoice(
        "a step against the gradient", "Robbins and Monro 1951", *_PLAIN, momentum=None
    ),
    "momentum": OptimizerChoice(
        "keeps a share of the last step", "Polyak 1964", *_PLAIN, momentum=0.9
    ),
    "nesterov": OptimizerChoice(
        "momentum that looks ahead", "Nesterov 1983; Sutskever et al. 2013", *_PLAIN, momentum=0.9
    ),
    "rmsprop": OptimizerChoice(
        "divides by the root of the mean square of past gradients",
        "Tieleman and Hinton 2012, lecture 6e",
        *(0.001, 0.0005, 0.0, 0.0),
        momentum=None,
        adaptive=True,
    ),
    "adam": OptimizerChoice(
        "rmsprop with momentum, both corrected for their beginning",
        "Kingma and Ba 2015, arXiv 1412.6980",
        *_COUPLED,
        momentum=0.9,
        adaptive=True,
    ),
    "adamw": OptimizerChoice(
        "adam whose weight decay is a step of its own",
        "Loshchilov and Hutter 2019, arXiv 1711.05101",
        *_DECOUPLED,
        momentum=0.9,
        adaptive=True,
    ),
    "muon": OptimizerChoice(
        "orthogonal steps of hidden matrices, as long as adamw's; adamw for the rest",
        "Jordan et al. 2024, kellerjordan.github.io/posts/muon; Liu et al. 2025, arXiv 2502.16982",
        *_DECOUPLED,
        momentum=0.95,
        adaptive=True,
    ),
}


def losses_that_take(setting: str) -> list[str]:
    """The names of the losses on which a setting has an effect.

    Example:
        >>> losses_that_take("focal_gamma")
        ['focal']
    """
    return [name for name, choice in LOSSES.items() if setting in choice.settings]


def losses_of_several() -> list[str]:
    """The names of the losses for samples of several labels at once.

    Example:
        >>> losses_of_several()
        ['binary_cross_entropy']
    """
    return [name for name, choice in LOSSES.items() if choice.several]
