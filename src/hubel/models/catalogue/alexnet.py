"""AlexNet: the two towers of 2012, and the single one of 2014."""

from __future__ import annotations

from hubel.models.catalogue.entry import Named

__all__ = ["ALEXNETS"]

_NORM = "lrn(5, alpha=0.0005, k=2)"

ALEXNETS = (
    Named(
        name="alexnet",
        title="AlexNet",
        source="Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional "
        "neural networks",
        year=2012,
        url="doi:10.1145/3065386",
        line=f"conv11x11/4(96, valid) relu {_NORM} maxpool3x3/2 "
        f"conv5x5(256, groups=2) relu {_NORM} maxpool3x3/2 "
        "conv3x3(384) relu conv3x3(384, groups=2) relu conv3x3(256, groups=2) relu maxpool3x3/2 "
        "flatten [fc(4096) relu dropout]*2 fc",
        input=(3, 227, 227),
        aliases=("alexnet-2012",),
        notes="The towers on two GPUs are groups=2. The paper says 224 pixels, but its 55 x 55 "
        "maps need 227. Its alpha = 1e-4 multiplies a sum over 5 channels; lrn takes their mean, "
        "so alpha is 5e-4.",
    ),
    Named(
        name="alexnet-2014",
        title="AlexNet (2014)",
        source="Krizhevsky: One weird trick for parallelizing convolutional neural networks",
        year=2014,
        url="https://arxiv.org/abs/1404.5997",
        line="conv11x11/4(64, pad=2) relu maxpool3x3/2 conv5x5(192) relu maxpool3x3/2 "
        "conv3x3(384) relu conv3x3(256) relu conv3x3(256) relu maxpool3x3/2 "
        "adaptiveavgpool6x6 flatten [dropout fc(4096) relu]*2 fc",
        notes="As torchvision's alexnet: without local response norm, and with an adaptive "
        "pooling that does nothing at 224 pixels and takes other sizes.",
    ),
)
