"""Bags of visual words: how often each word of a learnt dictionary occurs in a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor

from hubel.data.keyed import generator
from hubel.errors import FeatureError
from hubel.features.chunks import in_chunks
from hubel.features.feature import Feature, FeatureModule, Shape, expect_pictures
from hubel.features.gradients.hog import HOG
from hubel.features.precision import widened
from hubel.features.settings import expect_at_least, expect_one_of, expect_room
from hubel.features.words.descriptors import gradient_blocks, patches, whitening
from hubel.features.words.kmeans import kmeans, squared_distances

__all__ = ["BagModule", "Words", "bag_of_words"]

_OF, _COUNT = ("patches", "hog"), ("soft", "hard")
_LEARN_FROM = 100_000  # descriptors, more change the dictionary little
_PICTURES = 2_000


@dataclass(frozen=True, slots=True)
class Words(Feature):
    """Settings of a bag of visual words.

    Attributes:
        words: of the dictionary.
        of: "patches", whitened, or "hog": blocks of gradients with cells of half a side.
        side: pixels a side of what a word describes; even for "hog".
        stride: pixels between patches; blocks of gradients follow each other by one cell.
        count: "soft": a place counts for each word by how much nearer than the mean it is
            (Coates, Lee and Ng 2011); "hard": for the nearest word alone (Csurka et al. 2004).

    Raises:
        FeatureError: a setting is impossible.

    Example:
        >>> Words(words=50).size((3, 32, 32)), str(Words(words=50, of="hog", side=8))
        (50, 'words(words=50, of=hog, side=8)')

    Source: Csurka et al. 2004; Coates, Lee and Ng 2011.
    """

    name: ClassVar[str] = "words"
    words: int = 200
    of: str = "patches"
    side: int = 6
    stride: int = 2
    count: str = "soft"

    def __post_init__(self) -> None:
        for what, least in (("words", 2), ("side", 2), ("stride", 1)):
            expect_at_least(f"words: {what}", getattr(self, what), least)
        expect_one_of("words: of", self.of, _OF)
        expect_one_of("words: count", self.count, _COUNT)
        if self.of == "hog" and self.side % 2:
            raise FeatureError(f"words: of=hog has two cells a side: side={self.side} must be even")
        if self.of == "hog" and self.stride != 2:
            raise FeatureError(
                "words: stride has no effect on of=hog, whose blocks follow by a cell"
            )

    def size(self, shape: Shape) -> int:
        """One number a word."""
        mend = f"take a smaller side than side={self.side}"
        expect_room(f"{self}: a word", self.side, shape[1], shape[2], mend)
        return self.words

    def dimension(self, channels: int) -> int:
        """Numbers that describe a place."""
        return 36 if self.of == "hog" else channels * self.side**2

    def build(self, shape: Shape) -> BagModule:
        return BagModule(self, shape)

    def describe(self, images_NCHW: Tensor) -> Tensor:
        """Descriptors of all places, (n, places, dimension)."""
        if self.of == "hog":
            return gradient_blocks(images_NCHW, HOG(cell=self.side // 2))
        return patches(images_NCHW, self.side, self.stride)


def bag_of_words(descriptors_NPD: Tensor, centres_KD: Tensor, count: str = "soft") -> Tensor:
    """How often each word occurs, as shares of the places of each picture.

    Differentiable with "soft", almost everywhere; "hard" counts are steps.

    Args:
        descriptors_NPD: of each place, (n, places, d).
        centres_KD: the words, (k, d).
        count: "soft" or "hard".

    Returns:
        (n, k).

    Example:
        >>> places = torch.tensor([[[0.0], [1.0], [9.0], [10.0]]])
        >>> bag_of_words(places, torch.tensor([[0.0], [10.0]]), "hard")
        tensor([[0.5000, 0.5000]])
    """
    n, places, _ = descriptors_NPD.shape
    squares = squared_distances(descriptors_NPD.flatten(0, 1), centres_KD)
    if count == "hard":
        nearest = squares.argmin(1).view(n, places)
        shares = torch.zeros(n, len(centres_KD), dtype=squares.dtype, device=squares.device)
        return (
            shares.scatter_add_(1, nearest, torch.ones_like(nearest, dtype=squares.dtype)) / places
        )
    distances = squares.clamp_min(torch.finfo(squares.dtype).eps).sqrt()
    nearer = (distances.mean(1, keepdim=True) - distances).clamp_min(0)
    return nearer.view(n, places, len(centres_KD)).mean(1)


class BagModule(FeatureModule):
    """A bag of words with its dictionary, which `fit` learns from training pictures.

    Example:
        >>> images = torch.rand(20, 1, 12, 12)
        >>> Words(words=5).build((1, 12, 12)).fit(images, seed=1)(images).shape
        torch.Size([20, 5])
    """

    def __init__(self, feature: Words, shape: Shape) -> None:
        super().__init__(feature, shape)
        self.how = feature
        dimension = feature.dimension(shape[0])
        self.register_buffer("mean", torch.zeros(dimension))
        self.register_buffer("whitening", torch.eye(dimension))
        self.register_buffer("centres", torch.full((feature.words, dimension), torch.nan))
        self.mean: Tensor
        self.whitening: Tensor
        self.centres: Tensor

    @torch.no_grad()
    def fit(self, images_NCHW: Tensor, seed: int = 0) -> Self:
        """Learn the dictionary from some places of some of the pictures, drawn by the seed."""
        draws = generator(seed, "words", 0)
        some = draws.permutation(len(images_NCHW))[:_PICTURES]
        chosen = widened(images_NCHW[torch.from_numpy(some).to(images_NCHW.device)])
        self.how.size(expect_pictures(images_NCHW))
        found = self.how.describe(chosen).flatten(0, 1)
        places = torch.from_numpy(draws.permutation(len(found))[:_LEARN_FROM]).to(found.device)
        found = found[places]
        if self.how.of == "patches":
            self.mean, self.whitening = whitening(found)
        self.centres = kmeans(self._white(found), self.how.words, seed)
        return self

    def describe(self, images_NCHW: Tensor) -> Tensor:
        self.how.size(expect_pictures(images_NCHW))
        if self.centres.isnan().any():
            raise FeatureError(
                f"{self.how} has learnt no words yet: call fit with training pictures"
            )
        return in_chunks(self._bag, images_NCHW)

    def _bag(self, images_NCHW: Tensor) -> Tensor:
        described = self._white(self.how.describe(images_NCHW))
        return bag_of_words(described, self.centres.to(described.dtype), self.how.count)

    def _white(self, points: Tensor) -> Tensor:
        if self.how.of != "patches":
            return points
        return (points - self.mean.to(points.dtype)) @ self.whitening.to(points.dtype)
