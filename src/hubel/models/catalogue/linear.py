"""Classifiers without convolutions: linear ones, and the multilayer perceptron."""

from __future__ import annotations

from hubel.models.catalogue.entry import Named

__all__ = ["LINEAR"]

LINEAR = (
    Named(
        name="softmax",
        title="Softmax classifier",
        source="Bridle: Training stochastic model recognition algorithms as networks can lead to "
        "maximum mutual information estimation of parameters",
        year=1989,
        url="https://papers.nips.cc/paper_files/paper/1989",
        line="flatten fc",
        input=(3, 32, 32),
        num_classes=10,
        notes="The same scores as svm; only the loss differs (cross-entropy). Sizes of CIFAR-10.",
    ),
    Named(
        name="svm",
        title="Linear multiclass SVM",
        source="Crammer, Singer: On the algorithmic implementation of multiclass kernel-based "
        "vector machines",
        year=2001,
        url="https://jmlr.org/papers/v2/crammer01a.html",
        line="flatten fc",
        input=(3, 32, 32),
        num_classes=10,
        notes="The same scores as softmax; only the loss differs (hinge). Sizes of CIFAR-10.",
    ),
    Named(
        name="mlp",
        title="784-300-100-10",
        source="LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document "
        "recognition",
        year=1998,
        url="doi:10.1109/5.726791",
        line="flatten fc(300) tanh fc(100) tanh fc",
        input=(1, 28, 28),
        num_classes=10,
        aliases=("lenet-300-100",),
        notes="The paper's tanh is scaled: 1.7159 tanh(2x / 3).",
    ),
)
