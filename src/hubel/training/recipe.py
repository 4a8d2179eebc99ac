"""How a network is trained: every setting, who set it, and why."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any, Literal, cast

from hubel.data.augment import Augmentation
from hubel.data.form import Kind
from hubel.data.preprocess import Shape
from hubel.data.split.rule import KINDS, MISSING, SplitKind, SplitRule
from hubel.data.wish import Wish
from hubel.errors import RecipeError
from hubel.models.naming import expect_network
from hubel.training.choices import BALANCES, LOSSES, OPTIMIZERS
from hubel.training.selection import MONITORS

__all__ = [
    "Recipe",
    "SetBy",
    "Setting",
    "as_tuples",
    "expect_setting",
    "parse_setting",
    "setting_names",
]

SetBy = Literal["user", "default", "rule"]
Size = tuple[int, ...]

_SHOWN = {
    "bool": "on or off",
    "int": "a whole number",
    "float": "a number",
    "str": "a word",
    "Shape": "a word",
    "SplitKind": "a word",
    "tuple[int, ...]": "whole numbers such as 32,64,96",
    "Size": "pixels such as 64, or 96x128 (height x width), or 32x64x64 of volumes",
    "tuple[tuple[float, float], ...]": "until:share pairs such as 0.5:0.6,1:1",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One resolved value, with who set it ("user", "default", or a "rule") and why."""

    value: Any
    set_by: SetBy
    why: str

    def to_json(self) -> dict[str, Any]:
        """The setting as JSON types."""
        return {"value": _lists(self.value), "set_by": self.set_by, "why": self.why}


def _setting(default: Any, why: str, low: float | None = None, high: float | None = None) -> Any:
    return field(default=default, metadata={"why": why, "low": low, "high": high})


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """The settings of a training run. None means that a rule decides, when the data are known."""

    model: str = _setting(
        "convnet",
        "the network: a name, `timm:NAME`, `torchvision:NAME`, a line of notation, or "
        "`FILE.py:FUNCTION`",
    )
    widths: tuple[int, ...] | None = _setting(None, "channels of each group of the convnet", 1)
    features: str | None = _setting(
        None, "what model linear weighs instead of pixels, as in `histogram + hog`"
    )
    pretrained: bool = _setting(False, "begin with the weights that the zoo has trained")
    small_stem: bool | None = _setting(None, "take strides out of a zoo network's stem")
    size: Size | None = _setting(  # noqa: RUF009 (a field, as the others)
        None, "height and width of the input in pixels; a length, or planes, height and width", 1
    )
    kind: str | None = _setting(None, "what arrays are: `picture`, `signal` or `volume`")
    channels: str | None = _setting(None, "`rgb`, `grey`, `rgba` (keeps the alpha), or how many")
    shape: Shape = _setting(  # noqa: RUF009 (a field, as the others)
        "squash", "`squash`, `crop` or `pad` pictures of another ratio, or `bucket` them by it"
    )
    split: SplitKind = _setting(  # noqa: RUF009 (a field, as the others)
        "stratified", "`stratified` by class, or `time`: the newest are held out"
    )
    test_share: float = _setting(0.2, "held out for the one test, where none is given", 0.01, 0.9)
    val_share: float | None = _setting(None, "held out for validation", 0.01, 0.75)
    missing_classes: str = _setting("refuse", "`refuse` or `allow` a class that test or val lacks")
    reduced: bool | None = _setting(
        None, "decode large JPEGs at 1/2, 1/4 or 1/8 of their sides, never under twice the input"
    )
    epochs: int | None = _setting(None, "passes over the training pictures", 1)
    budget: float | None = _setting(600.0, "seconds from the command to the report", 1)
    batch_size: int | None = _setting(None, "pictures a step", 2, 65_536)
    loss: str = _setting("cross_entropy", "one of " + ", ".join(LOSSES))
    margin: float = _setting(1.0, "by which a hinge wants the right score ahead", 1e-6)
    squared: bool = _setting(False, "the square of each hinge")
    focal_gamma: float = _setting(2.0, "how little focal loss counts what is easy", 0)
    balance: str = _setting("none", "of unequal classes: one of " + ", ".join(BALANCES))
    effective_beta: float | None = _setting(
        None, "what a class gains by one more picture, as a share of the gain before", 0, 0.999999
    )
    monitor: str | None = _setting(
        None, "by which validation chooses the epoch that is shipped: " + ", ".join(MONITORS)
    )
    optimizer: str = _setting("nesterov", "one of " + ", ".join(OPTIMIZERS))
    lr: float | None = _setting(None, "largest learning rate", 0)
    norm_lr: float = _setting(1.0, "rate of normalisation's biases, as a multiple", 0)
    momentum: float = _setting(0.85, "share of the last step that is kept", 0, 0.9999)
    weight_decay: float | None = _setting(None, "pull of weights towards zero", 0)
    l1: float = _setting(0.0, "penalty on the sizes of weights; makes zeros", 0)
    sam_radius: float = _setting(0.0, "how far around the weights the loss is to be low", 0)
    warmup: float = _setting(0.2, "share of the steps in which the rate rises", 0, 0.9)
    final_lr: float = _setting(0.0, "rate at the end, as a share of the largest", 0, 1)
    label_smoothing: float = _setting(0.1, "share of the target that all classes share", 0, 0.99)
    flip: bool = _setting(True, "left and right exchanged in every second epoch")
    shift: float | None = _setting(None, "largest shift, as a share of the side", 0, 0.5)
    zoom: float | None = _setting(None, "largest share of the area cropped away", 0, 0.95)
    aspect: float | None = _setting(None, "log of a crop's largest change of ratio", 0, 2)
    color: float | None = _setting(None, "largest change of brightness and colour", 0, 1)
    erase: float = _setting(0.0, "side of an erased square, as a share of the side", 0, 1)
    mixup: float = _setting(0.0, "Beta parameter of blended pairs", 0)
    cutmix: float = _setting(0.0, "Beta parameter of pairs cut together", 0)
    resolutions: tuple[tuple[float, float], ...] | None = _setting(
        None, "`until:share` of the full size, as in 0.5:0.6,0.8:0.8,1:1"
    )
    averaging: float = _setting(
        0.02, "horizon of the weight average, as a share of the steps", 0, 1
    )
    precision: str | None = _setting(None, "`float32` or `bfloat16`")
    compile: bool = _setting(False, "use torch.compile")
    device: str = _setting("auto", "`auto`, `cpu`, `cuda` or `mps`")
    workers: int | None = _setting(None, "threads that read and decode; 0 reads in line", 0, 256)
    seed: int = _setting(0, "decides splits, order, augmentation and first weights", 0)

    def __post_init__(self) -> None:
        for setting in fields(self):
            _check(setting, getattr(self, setting.name))
        expect_network(self.model)
        if self.features is not None:
            from hubel.features.notation import parse

            parse(self.features)
        _choose("loss", self.loss, tuple(LOSSES))
        _choose("balance", self.balance, tuple(BALANCES))
        if self.monitor is not None:
            _choose("monitor", self.monitor, MONITORS)
        _choose("optimizer", self.optimizer, tuple(OPTIMIZERS))
        _choose("shape", self.shape, ("squash", "crop", "pad", "bucket"))
        _choose("split", self.split, KINDS)
        _choose("missing_classes", self.missing_classes, MISSING)
        SplitRule(test=self.test_share, val=self.val_share)  # refuses shares that leave nothing
        _choose("device", self.device.partition(":")[0], ("auto", "cpu", "cuda", "mps"))
        if self.resolutions is not None:
            _check_resolutions(self.resolutions)
        if self.channels is not None and not self.channels.isdecimal():
            _choose("channels", self.channels, ("rgb", "grey", "rgba"))
        if self.kind is not None:
            _choose("kind", self.kind, ("picture", "signal", "volume"))
        if self.precision is not None:
            _choose("precision", self.precision, ("float32", "bfloat16"))

    @property
    def wish(self) -> Wish:
        """What is asked of the pixels."""
        return Wish(
            size=self.size,
            channels=self.channels,
            shape=self.shape,
            kind=cast("Kind | None", self.kind),
            reduced=self.reduced,
        )

    @property
    def augmentation(self) -> Augmentation:
        """The changes of training pictures; every setting must be resolved."""
        return Augmentation(
            flip=self.flip,
            shift=self.shift or 0.0,
            zoom=self.zoom or 0.0,
            aspect=self.aspect or 0.0,
            color=self.color or 0.0,
            erase=self.erase,
            mixup=self.mixup,
            cutmix=self.cutmix,
        )

    @classmethod
    def from_json(cls, document: dict[str, dict[str, Any]]) -> Recipe:
        """A recipe from the settings that a run has written down."""
        unknown = document.keys() - {setting.name for setting in fields(cls)}
        if unknown:
            raise RecipeError(f"this version of hubel has no setting {', '.join(sorted(unknown))}")
        values = {name: entry["value"] for name, entry in document.items()}
        values.setdefault("reduced", False)  # runs of before there was such a thing
        return cls(**{name: as_tuples(value) for name, value in values.items()})


def _lists(value: Any) -> Any:
    return [_lists(item) for item in value] if isinstance(value, tuple) else value


def as_tuples(value: Any) -> Any:
    """Lists, also inside of lists, as the tuples that settings are made of."""
    if isinstance(value, list | tuple):
        return tuple(as_tuples(item) for item in cast("list[Any]", value))
    return value


def setting_names() -> list[tuple[str, Any, str]]:
    """Name, default and meaning of every setting."""
    return [(s.name, s.default, str(s.metadata["why"])) for s in fields(Recipe)]


def expect_setting(name: str) -> None:
    """Refuse a name that no setting has.

    Raises:
        RecipeError: with the nearest name, and all there are.
    """
    names = [setting.name for setting in fields(Recipe)]
    if name not in names:
        near = get_close_matches(name, names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise RecipeError(f"there is no setting {name!r}.{hint} There are: {', '.join(names)}")


def parse_setting(name: str, text: str) -> Any:
    """The value of a setting from what was typed.

    Raises:
        RecipeError: the name is unknown, or the text is no such value.

    Example:
        >>> parse_setting("size", "96x128"), parse_setting("flip", "off")
        ((96, 128), False)
    """
    expect_setting(name)
    kinds = {setting.name: str(setting.type) for setting in fields(Recipe)}
    try:
        return _parse(kinds[name], text)
    except ValueError as error:
        kind = kinds[name].removesuffix(" | None")
        raise RecipeError(f"{name}: expected {_SHOWN.get(kind, kind)}, got {text!r}") from error


def _parse(kind: str, text: str) -> Any:
    if kind.startswith("bool"):
        words = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}
        if text.lower() not in words:
            raise ValueError(text)
        return words[text.lower()]
    if kind.startswith("Size"):
        parts = [int(part) for part in text.lower().split("x")]
        if len(parts) > 3:
            raise ValueError(text)
        return tuple(parts * 2 if len(parts) == 1 else parts)
    if kind.startswith("tuple[int"):
        return tuple(int(part) for part in text.split(","))
    if kind.startswith("tuple[tuple"):
        pairs = [part.split(":") for part in text.split(",")]
        return tuple((float(until), float(share)) for until, share in pairs)
    if kind.startswith("int"):
        return int(text)
    return float(text) if kind.startswith("float") else text


_KINDS: dict[str, Callable[[Any], bool]] = {
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
    "Shape": lambda value: isinstance(value, str),
    "SplitKind": lambda value: isinstance(value, str),
    "tuple[int, ...]": lambda value: _all(value, "int") and len(value) > 0,
    "Size": lambda value: _all(value, "int") and 1 <= len(value) <= 3,
    "tuple[float, float]": lambda value: _all(value, "float") and len(value) == 2,
    "tuple[tuple[float, float], ...]": lambda value: _all(value, "tuple[float, float]"),
}


def _all(value: Any, kind: str) -> bool:
    return isinstance(value, tuple) and all(map(_KINDS[kind], cast(Any, value)))


def _check(setting: dataclasses.Field[Any], value: Any) -> None:
    kind = str(setting.type)
    if value is None and kind.endswith(" | None"):
        return
    kind = kind.removesuffix(" | None")
    if not _KINDS[kind](value):
        raise RecipeError(f"{setting.name}: expected {_SHOWN.get(kind, kind)}, got {value!r}")
    low, high = setting.metadata["low"], setting.metadata["high"]
    if low is None:
        return
    for one in cast("tuple[float, ...]", value if isinstance(value, tuple) else (value,)):
        if not (math.isfinite(one) and low <= one and (high is None or one <= high)):
            bounds = f"at least {low:g}" if high is None else f"from {low:g} to {high:g}"
            raise RecipeError(f"{setting.name}: expected {bounds}, got {one:g}")


def _check_resolutions(pairs: tuple[tuple[float, float], ...]) -> None:
    ends = [until for until, _ in pairs]
    rising = all(low < high for low, high in zip([0.0, *ends], ends, strict=False))
    if not pairs or not rising or ends[-1] != 1 or any(not 0 < share <= 1 for _, share in pairs):
        raise RecipeError(
            "resolutions: expected until:share pairs whose ends rise to 1 and whose shares are "
            f"above 0 and at most 1, as in 0.5:0.6,1:1; got {pairs}"
        )


def _choose(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        near = get_close_matches(value, choices, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise RecipeError(f"{name}: expected one of {', '.join(choices)}; got {value!r}.{hint}")
