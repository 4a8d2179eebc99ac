"""Which samples are for training, for validation and for the one final test; and folds.

Here belongs what decides that from labels, contents, groups and times alone, and what checks it.
"""

from hubel.data.split.checks import (
    contradictions,
    expect_apart,
    expect_classes,
    expect_no_link_between_splits,
    leaks,
)
from hubel.data.split.drawing import assign
from hubel.data.split.folds import make_folds
from hubel.data.split.iterative import stratify_labels
from hubel.data.split.manifests import redraw, samples_of
from hubel.data.split.rule import SplitRule, settle_given
from hubel.data.split.samples import Samples

__all__ = [
    "Samples",
    "SplitRule",
    "assign",
    "contradictions",
    "expect_apart",
    "expect_classes",
    "expect_no_link_between_splits",
    "leaks",
    "make_folds",
    "redraw",
    "samples_of",
    "settle_given",
    "stratify_labels",
]
