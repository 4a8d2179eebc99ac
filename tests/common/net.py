"""A network as a user writes one in a file of their own."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["Net"]


class Net(nn.Module):
    """Two convolutions, and one map from what is left to the scores."""

    def __init__(self, in_channels: int, num_classes: int, image_size: tuple[int, int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 8, 3, stride=2)
        self.norm = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, stride=2)
        height, width = (((side - 1) // 2 - 1) // 2 for side in image_size)
        self.fc = nn.Linear(8 * height * width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Scores (n, classes) of pictures (n, channels, height, width)."""
        x = self.conv2(self.norm(self.conv1(x)).relu()).relu()
        return self.fc(x.view(x.shape[0], -1))
