"""The networks of the zoos are built without memory, for any channels, with weights if asked."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import nn
from torchvision import models

from hubel.errors import RecipeError
from hubel.models.architecture import Architecture
from hubel.models.zoo import timm as timm_zoo
from hubel.models.zoo import torchvision as torchvision_zoo
from hubel.models.zoo.building import default_input, small_stem, statistics

NO_CLASSIFIERS = re.compile(r"_enc$|^mobilenetv5_300m$")  # they give features, not class scores


@pytest.fixture(autouse=True)
def nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a test reached for the network")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)


def of(name: str, side: int = 64, channels: int = 3, **options: Any) -> Architecture:
    return Architecture(
        name=name, in_channels=channels, num_classes=7, image_size=(side, side), options=options
    )


def on_meta(architecture: Architecture) -> nn.Module:
    with torch.device("meta"):
        module = architecture.build().eval()
    tensors = [*module.parameters(), *module.buffers()]
    assert {value.device.type for value in tensors} == {"meta"}
    return module


def scores(architecture: Architecture) -> tuple[int, ...]:
    shape = (2, architecture.in_channels, *architecture.image_size)
    with torch.no_grad():
        return tuple(on_meta(architecture)(torch.zeros(shape, device="meta")).shape)


@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize("name", models.list_models(module=models))
def test_every_network_of_torchvision_is_built_without_memory(name: str, channels: int) -> None:
    side = default_input(f"torchvision:{name}")[1]
    assert scores(of(f"torchvision:{name}", side, channels)) == (2, 7)


HEADS = {"googlenet": 6_624_904, "inception_v3": 23_834_568}
"""Without the auxiliary heads. GoogLeNet: torchvision's own figure. Inception v3: 27,161,264 in
torchvision's table, less the 3,326,696 of the auxiliary head (timm's inception_v3: 23,834,568)."""


@pytest.mark.parametrize("name", models.list_models(module=models))
def test_parameters_are_those_that_torchvision_publishes(name: str) -> None:
    weights: Any = models.get_model_weights(name).DEFAULT  # pyright: ignore[reportAttributeAccessIssue]
    side = default_input(f"torchvision:{name}")[1]
    network = replace(of(f"torchvision:{name}", side), num_classes=len(weights.meta["categories"]))
    count = sum(value.numel() for value in on_meta(network).parameters())
    expected = HEADS.get(name, weights.meta["num_params"])
    if name.startswith("vit_"):  # positions are for the default input, as published
        assert weights.meta["min_size"][0] == side
    assert count == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", timm.list_models())
def test_every_network_of_timm_is_built_without_memory(name: str) -> None:
    network = of(f"timm:{name}", default_input(f"timm:{name}")[1], channels=1)
    if NO_CLASSIFIERS.search(name):
        with pytest.raises(RecipeError, match=r"gives \(2, .* expected class scores, \(2, 7\)"):
            network.check()
    else:
        network = replace(network, image_size=default_input(f"timm:{name}")[1:])
        assert scores(network) == (2, 7)


@pytest.mark.parametrize(
    "name",
    ["resnet10t", "test_vit", "swin_tiny_patch4_window7_224", "convnext_atto", "mobilevit_xxs",
     "tf_efficientnet_lite0", "inception_v3", "maxvit_rmlp_pico_rw_256", "xcit_nano_12_p8_224"],
)  # fmt: skip
@pytest.mark.parametrize("channels", [1, 4])
def test_families_of_timm_are_built_without_memory(name: str, channels: int) -> None:
    assert scores(of(f"timm:{name}", default_input(f"timm:{name}")[1], channels)) == (2, 7)


def test_what_gives_no_class_scores_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"qwen3_vit_88m_enc gives \(2, .* expected class scores"):
        of("timm:qwen3_vit_88m_enc").check()


REFUSED = [
    ("torchvision:maxvit_t", (64, 64), r"partition size.*; it takes 224 x 224 px: give --size 224"),
    ("torchvision:inception_v3", (64, 64), r"doesn't take pictures of 64 x 64 px: .* --size 96$"),
    ("torchvision:vit_b_16", (100, 100), r"patch size!; it takes 96 x 96 px: give --size 96"),
    ("torchvision:vit_b_16", (64, 96), r"takes square pictures; got 64 x 96 px, .* --size 96$"),
    ("timm:maxvit_tiny_tf_224", (100, 64), r"; it takes 96 x 64 px: give --size 96x64"),
]


@pytest.mark.parametrize(("name", "size", "message"), REFUSED, ids=[n for n, _, _ in REFUSED])
def test_a_size_that_is_not_taken_comes_with_one_that_is(
    name: str, size: tuple[int, int], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        replace(of(name), image_size=size).check()


@pytest.mark.parametrize(
    ("name", "size"),
    [("timm:test_vit", (48, 96)), ("timm:swin_tiny_patch4_window7_224", (96, 64)),
     ("torchvision:vit_b_32", (64, 64)), ("timm:resnet10t", (33, 47))],
)  # fmt: skip
def test_networks_of_one_size_are_made_for_the_size_of_the_data(
    name: str, size: tuple[int, int]
) -> None:
    assert scores(replace(of(name), image_size=size)) == (2, 7)


@pytest.mark.parametrize("option", ["depth_of_water", "checkpoint_path", "pretrained_cfg"])
def test_no_other_option_reaches_the_zoos_own_builder(option: str) -> None:
    """An artifact from elsewhere must not make timm load a file."""
    message = rf"test_resnet can't be built: there is no option '{option}'; .* several_sizes, small"
    with pytest.raises(RecipeError, match=message):
        of("timm:test_resnet", **{option: "somewhere.pth"}).build()


@pytest.mark.parametrize(
    ("name", "found"),
    [("torchvision:resnet18", True), ("timm:mobilenetv3_small_050", True),
     ("torchvision:vgg11", False), ("timm:test_vit", False), ("torchvision:convnext_tiny", False)],
)  # fmt: skip
def test_a_stem_that_could_lose_strides_is_told(name: str, found: bool) -> None:
    assert small_stem(of(name, 32)) is found
    if not found:
        with pytest.raises(RecipeError, match=rf"{name} has no stem whose strides could be taken"):
            of(name, 32, small_stem=True).build()


def test_what_was_adapted_is_told() -> None:
    assert of("timm:test_resnet").notes == ()
    assert of("torchvision:resnet18", 32, channels=1, small_stem=True).notes == (
        "conv1: takes 1 channel instead of 3",
        "conv1: 3x3 at stride 1 in place of 7x7 at stride 2, for small pictures",
        "maxpool: taken out, for small pictures",
    )
    assert of("torchvision:googlenet").notes == ("one head: the auxiliary ones are left out",)


@pytest.mark.parametrize(
    ("name", "before"),
    [("torchvision:mobilenet_v3_small", "0.01"), ("torchvision:mnasnet0_5", "0.0003"),
     ("torchvision:efficientnet_b5", "0.01")],
)  # fmt: skip
def test_running_statistics_follow_within_a_short_training(name: str, before: str) -> None:
    module = on_meta(of(name))
    norms = [layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert {layer.momentum for layer in norms} == {0.1}
    assert of(name).notes == (f"batch norm: momentum 0.1 in place of {before}",)


# Weights


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    """A file that stands for torchvision's: the same names, other numbers."""
    state = models.squeezenet1_1(weights=None).state_dict()
    torch.save(state, tmp_path / "weights.pth")
    digest = hashlib.sha256((tmp_path / "weights.pth").read_bytes()).hexdigest()[:8]
    path = (tmp_path / "weights.pth").rename(tmp_path / f"squeeze-{digest}.pth")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    weights: Any = models.SqueezeNet1_1_Weights.DEFAULT
    monkeypatch.setattr(weights.value, "url", path.as_uri())
    return state


def test_training_may_begin_with_torchvisions_weights(trained: dict[str, torch.Tensor]) -> None:
    module = of("torchvision:squeezenet1_1", pretrained=True).build(3)
    found = module.state_dict()
    head = {name for name in trained if name.startswith("classifier.1.")}
    assert all(torch.equal(found[name], trained[name]) for name in trained.keys() - head)
    assert all(found[name].shape[0] == 7 for name in head)
    again = of("torchvision:squeezenet1_1", pretrained=True).build(3).state_dict()
    assert all(torch.equal(found[name], again[name]) for name in found)


def test_a_head_of_the_same_classes_is_kept(trained: dict[str, torch.Tensor]) -> None:
    network = replace(of("torchvision:squeezenet1_1", pretrained=True), num_classes=1000)
    found = network.build().state_dict()
    assert all(torch.equal(found[name], trained[name]) for name in trained)


def test_trained_weights_are_adapted_to_grey_pictures(trained: dict[str, torch.Tensor]) -> None:
    grey = of("torchvision:squeezenet1_1", channels=1, pretrained=True).build().eval()
    colour = of("torchvision:squeezenet1_1", pretrained=True).build().eval()
    pictures = torch.rand(2, 1, 64, 64)
    first = grey.get_submodule("features.0")(pictures)
    expected = colour.get_submodule("features.0")(pictures.expand(-1, 3, -1, -1))
    torch.testing.assert_close(first, expected)
    assert trained["features.0.weight"].shape[1] == 3


def test_no_weights_are_fetched_where_others_are_put_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("fetched")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fail)
    network = of("torchvision:squeezenet1_1", pretrained=True)
    assert network.build(fetch=False) is not None
    assert on_meta(network) is not None
    assert network.check().notes == ()


def test_weights_that_are_not_the_ones_named_are_refused(
    trained: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = next(tmp_path.glob("squeeze-*.pth"))
    path.write_bytes(path.read_bytes() + b"more")
    assert trained
    with pytest.raises(RecipeError, match=r"weights of .*squeezenet1_1 can't be had: invalid hash"):
        of("torchvision:squeezenet1_1", pretrained=True).build()


@pytest.mark.parametrize("name", ["torchvision:squeezenet1_1", "timm:test_resnet"])
def test_weights_that_cannot_be_reached_are_one_line_with_a_way_out(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    weights: Any = models.SqueezeNet1_1_Weights.DEFAULT
    monkeypatch.setattr(weights.value, "url", (tmp_path / "gone-12345678.pth").as_uri())
    point_timm_at(tmp_path / "gone.safetensors", monkeypatch)
    with pytest.raises(RecipeError, match=r"the trained weights of .* leave out `pretra") as caught:
        of(name, pretrained=True).build()
    assert "\n" not in str(caught.value)
    assert "HF_HOME for timm, TORCH_HOME for torchvision" in str(caught.value)


def point_timm_at(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from timm.models import _registry

    table = _registry._model_pretrained_cfgs  # pyright: ignore[reportPrivateUsage]
    for name in [name for name in table if name.partition(".")[0] == "test_resnet"]:
        here = replace(table[name], file=str(path), hf_hub_id=None, url="")
        monkeypatch.setitem(table, name, here)


def test_training_may_begin_with_timms_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = timm.create_model("test_resnet", num_classes=1000).state_dict()
    torch.save(state, tmp_path / "weights.pth")
    point_timm_at(tmp_path / "weights.pth", monkeypatch)
    network = of("timm:test_resnet", channels=1, pretrained=True)
    found = network.build().state_dict()
    adapted = {"conv1.0.weight", "fc.weight", "fc.bias"}
    assert all(torch.equal(found[name], state[name]) for name in state.keys() - adapted)
    summed = state["conv1.0.weight"].sum(1, keepdim=True)
    torch.testing.assert_close(found["conv1.0.weight"], summed)


def test_a_wrong_size_is_said_as_such_even_with_trained_weights() -> None:
    network = replace(of("torchvision:vit_b_16", pretrained=True), image_size=(100, 100))
    with pytest.raises(RecipeError, match=r"vit_b_16 can't be built: .* patch size"):
        network.build()


def test_trained_positions_are_interpolated(monkeypatch: pytest.MonkeyPatch) -> None:
    state = models.vit_b_32(weights=None).state_dict()
    monkeypatch.setattr(
        "torchvision.models._api.load_state_dict_from_url", lambda *_, **__: dict(state)
    )
    notes: list[str] = []
    network = of("torchvision:vit_b_32", 96, pretrained=True)
    module = torchvision_zoo.make("vit_b_32", network, notes, fetch=True)
    found = module.state_dict()["encoder.pos_embedding"]
    assert found.shape[1] == 1 + 3 * 3
    assert torch.equal(found[:, 0], state["encoder.pos_embedding"][:, 0]), "the class token's"
    assert "positions: interpolated to 96 px" in notes


@pytest.mark.parametrize("name", ["timm:resnet18", "torchvision:resnet18"])
def test_trained_weights_say_what_they_expect(name: str) -> None:
    """The statistics of ImageNet, as both zoos document them."""
    assert statistics(of(name)) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    grey = statistics(of(name, channels=1))
    assert grey == (pytest.approx((0.449,)), pytest.approx((0.226,)))


def test_names_of_the_zoos_are_their_own() -> None:
    assert list(timm_zoo.names()) == timm.list_models()
    assert list(torchvision_zoo.names()) == models.list_models(module=models)
    assert [timm_zoo.takes_size(name) for name in ("test_vit", "test_resnet")] == [True, False]
