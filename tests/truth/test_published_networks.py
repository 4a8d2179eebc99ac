"""Named networks against the figures of their papers, and of those who counted after them.

A rounded figure agrees when it is less than one unit of its last digit away: papers cut as often
as they round.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from torch import nn

from hubel.analysis.conventions import CONVENTIONS, Convention
from hubel.analysis.costs import multiply_adds, total_work
from hubel.analysis.recording.graph import Operator
from tests.models.published import field, graph, network

KILO, MILLION, BILLION = 10**3, 10**6, 10**9


def parameters(name: str) -> int:
    return sum(weights.numel() for weights in network(name).parameters())


def agrees(value: int, published: str, unit: int) -> bool:
    """Whether a number is the published one, rounded or cut at its last digit."""
    figure = Decimal(published)
    last_digit = Decimal(1).scaleb(int(figure.as_tuple().exponent))
    return abs(Decimal(value) / unit - figure) < last_digit


def within(name: str, part: str) -> list[Operator]:
    """The operators that run in a part of a network."""
    traced = graph(name)
    paths = [traced.calls[op.call].path for op in traced.operators]
    return [
        op
        for op, path in zip(traced.operators, paths, strict=True)
        if path == part or path.startswith(f"{part}.")
    ]


@pytest.mark.parametrize(
    ("name", "published"),
    [
        # CIFAR-10 in cs231n's notes on linear classification: W is 10 x 3072, b is 10 x 1
        ("softmax", 30_730),
        ("svm", 30_730),
        # Geron, Hands-On Machine Learning, chapter 10: model.summary() of 784-300-100-10
        ("mlp", 266_610),
        # 156 + 2,416 + 48,120 + 10,164 + 850: C3 on all maps, poolings without weights
        ("lenet5", 61_706),
        # LeCun et al. 1998, section II.B: "60,000 trainable free parameters"
        ("lenet5-1998", 60_000),
        # HewlettPackard/dlcookbook-dlbs, table of models: alexnet (Caffe's bvlc_alexnet)
        ("alexnet", 60_965_224),
        # torchvision 0.29, NAME_Weights.IMAGENET1K_V1.meta["num_params"]
        ("alexnet-2014", 61_100_840),
        ("vgg11", 132_863_336),
        ("vgg16", 138_357_544),
        ("googlenet", 6_624_904),
        ("resnet18", 11_689_512),
        ("resnet50", 25_557_032),
        ("squeezenet1_1", 1_235_496),
        ("densenet121", 7_978_856),
        ("mobilenetv2", 3_504_872),
        ("vit-b", 86_567_656),
        ("convnext-t", 28_589_128),
        # kuangliu/pytorch-cifar, ResNet(BasicBlock, [2, 2, 2, 2]), as its users' summaries have it
        ("resnet18-small", 11_173_962),
        # timm 1.0, vit_tiny_patch16_224 and vit_small_patch16_224, which are DeiT-Ti and DeiT-S
        ("vit-ti", 5_717_416),
        ("vit-s", 22_050_664),
    ],
)
def test_networks_hold_the_published_number_of_parameters(name: str, published: int) -> None:
    assert parameters(name) == published


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("alexnet", "60"),  # Krizhevsky et al. 2012, abstract: "60 million parameters"
        ("vgg11", "133"),  # Simonyan and Zisserman 2014, table 2, column A
        ("vgg16", "138"),  # the same, column D
        ("resnet20-cifar", "0.27"),  # He et al. 2015, table 6
        ("vit-ti", "5"),  # Touvron et al. 2020, facebookresearch/deit README
        ("vit-s", "22"),  # the same
        ("vit-b", "86"),  # Dosovitskiy et al. 2020, table 1
        ("cct-7-3x1", "3.760"),  # Hassani et al. 2021, SHI-Labs/Compact-Transformers README
        ("convnext-t", "29"),  # Liu et al. 2022, table 1
    ],
)
def test_networks_hold_the_millions_of_parameters_of_their_papers(
    name: str, published: str
) -> None:
    assert agrees(parameters(name), published, MILLION)


@pytest.mark.parametrize(
    ("name", "published"),
    [
        # torchvision 0.29, NAME_Weights.IMAGENET1K_V1.meta["_ops"]
        ("alexnet-2014", "0.714"),
        ("vgg11", "7.609"),
        ("vgg16", "15.470"),
        ("googlenet", "1.498"),
        ("resnet18", "1.814"),
        ("resnet50", "4.089"),
        ("squeezenet1_1", "0.349"),
        ("densenet121", "2.834"),
        ("mobilenetv2", "0.301"),
        ("vit-b", "17.564"),
        ("convnext-t", "4.456"),
        # He et al. 2015, table 1
        ("resnet18", "1.8"),
        ("resnet50-2015", "3.8"),
        # Sandler et al. 2018, table 4: 300M
        ("mobilenetv2", "0.30"),
        # model cards of timm/deit_tiny_patch16_224.fb_in1k and deit_small_patch16_224.fb_in1k
        ("vit-ti", "1.3"),
        ("vit-s", "4.6"),
        # Liu et al. 2022, table 1
        ("convnext-t", "4.5"),
    ],
)
def test_networks_take_the_published_billions_of_multiply_adds(name: str, published: str) -> None:
    assert agrees(multiply_adds(graph(name)), published, BILLION)


@pytest.mark.parametrize(
    ("name", "weights", "products"),
    [
        # Chen et al., Eyeriss, ISSCC 2016: "AlexNet uses 2.3 million weights and requires 666
        # million MACs per 227 x 227 image. VGG16 uses 14.7 million weights and requires 15.3
        # billion MACs per 224 x 224 image", of the convolutions alone.
        ("alexnet", "2.3", "666"),
        ("vgg16", "14.7", "15.3e3"),
    ],
)
def test_the_convolutions_alone_are_as_published(name: str, weights: str, products: str) -> None:
    kernels = (module for module in network(name).modules() if isinstance(module, nn.Conv2d))
    assert agrees(sum(kernel.weight.numel() for kernel in kernels), weights, MILLION)
    convolutions = [op for op in graph(name).operators if op.name == "convolution"]
    assert agrees(total_work(convolutions).products, products, MILLION)


# LeNet-5. LeCun et al. 1998, section II.B: trainable parameters and connections of each layer.
LENET5 = {
    "c1": (156, 122_304),
    "s2": (12, 5_880),
    "c3": (1_516, 151_600),
    "s4": (32, 2_000),
    "c5": (48_120, 48_120),
    "f6": (10_164, 10_164),
}
# A connection is a product, or an added bias; a unit of S2 and S4 adds 4 values and a bias.
CONNECTIONS = Convention(name="connections", bias=1, pooling=1)


@pytest.mark.parametrize("layer", LENET5)
def test_lenet5_of_1998_is_its_papers_table(layer: str) -> None:
    trainable, connections = LENET5[layer]
    module = network("lenet5-1998").get_submodule(layer)
    assert sum(weights.numel() for weights in module.parameters()) == trainable
    assert total_work(within("lenet5-1998", layer)).count(CONNECTIONS) == connections


def test_lenet5_has_the_papers_total_of_connections_with_those_of_its_fixed_codes() -> None:
    codes = network("lenet5-1998").get_buffer("output.codes").numel()
    whole = total_work(graph("lenet5-1998").operators).count(CONNECTIONS)
    assert codes == 10 * 84
    assert whole == sum(connections for _, connections in LENET5.values())
    assert whole + codes == 340_908  # "340,908 connections, but only 60,000 ... parameters"


@pytest.mark.parametrize(
    ("layer", "products"),
    [("conv1", 117_600), ("conv2", 240_000), ("fc1", 48_000), ("fc2", 10_080), ("fc3", 840)],
)
def test_the_lenet5_of_today_by_its_layers_arithmetic(layer: str, products: int) -> None:
    # 28*28 * 6*25, 10*10 * 16*6*25, 400*120, 120*84, 84*10; 416,520 in all
    assert total_work(within("lenet5", layer)).products == products


# AlexNet. Krizhevsky et al. 2012, section 3.5, "kernels of size", and figure 2.
ALEXNET_KERNELS = {
    "conv1": (96, 3, 11, 11),
    "conv2": (256, 48, 5, 5),
    "conv3": (384, 256, 3, 3),
    "conv4": (384, 192, 3, 3),
    "conv5": (256, 192, 3, 3),
    "fc1": (4096, 9216),
    "fc2": (4096, 4096),
    "fc3": (1000, 4096),
}
ALEXNET_NEURONS = {
    "conv1": 290_400,  # 55 x 55 x 96 as drawn; the caption's 253,440 is 55 x 48 x 96
    "conv2": 186_624,
    "conv3": 64_896,
    "conv4": 64_896,
    "conv5": 43_264,
    "fc1": 4_096,
    "fc2": 4_096,
    "fc3": 1_000,
}


@pytest.mark.parametrize("layer", ALEXNET_KERNELS)
def test_alexnet_has_the_kernels_and_the_neurons_of_its_paper(layer: str) -> None:
    weight = network("alexnet").get_submodule(layer).weight
    assert tuple(weight.shape) == ALEXNET_KERNELS[layer]
    (given,) = [op.outputs[0].numel for op in within("alexnet", layer) if total_work([op]).products]
    assert given == ALEXNET_NEURONS[layer]


def test_alexnet_has_650_thousand_neurons() -> None:
    neurons = sum(ALEXNET_NEURONS.values())
    assert neurons == 659_272
    assert agrees(neurons, "65e1", KILO)  # abstract: "650,000 neurons"


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnet50-2015"])
def test_resnets_have_the_sides_of_their_papers_table(name: str) -> None:
    shapes = (op.outputs[0].shape for op in graph(name).operators if op.name == "convolution")
    sides = dict.fromkeys(shape[-1] for shape in shapes)
    assert tuple(sides) == (112, 56, 28, 14, 7)  # He et al. 2015, table 1, "output size"


# GoogLeNet. Szegedy et al. 2014, table 1, column "ops", in millions. Row 5a is left out: its 54M
# don't follow from its own filters, which make 51M.
GOOGLENET_OPS = {
    "conv2 conv3": "360",
    "branches1": "128",
    "branches2": "304",
    "branches3": "73",
    "branches4": "88",
    "branches5": "100",
    "branches6": "119",
    "branches7": "170",
    "branches9": "71",
    "fc1": "1",
}
# Column "params", in units of 1,024 without biases. From 3b on it doesn't follow from the filters:
# those of 4c make 498K, not 463K.
GOOGLENET_PARAMETERS = {"conv2 conv3": "112", "branches1": "159", "fc1": "1000"}


@pytest.mark.parametrize("row", GOOGLENET_OPS)
def test_googlenet_of_2014_costs_what_its_papers_table_says(row: str) -> None:
    operators = [op for part in row.split() for op in within("googlenet-2014", part)]
    assert agrees(total_work(operators).products, GOOGLENET_OPS[row], MILLION)


@pytest.mark.parametrize("row", GOOGLENET_PARAMETERS)
def test_googlenet_of_2014_holds_what_its_papers_table_says(row: str) -> None:
    parts = (network("googlenet-2014").get_submodule(part) for part in row.split())
    tensors = (weights for part in parts for weights in part.parameters())
    kernels = sum(tensor.numel() for tensor in tensors if tensor.ndim > 1)
    assert agrees(kernels, GOOGLENET_PARAMETERS[row], 1024)


def test_googlenets_billions_hold_a_separable_first_layer() -> None:
    first = total_work(within("googlenet-2014", "conv1")).products
    assert first == 112 * 112 * 64 * 3 * 7 * 7
    # Table 1 has 2.7K and 34M for it, too little for a 7x7 from 3 to 64. A separable one (8 filters
    # a channel, then 1x1, as in tensorflow/models, slim/nets/inception_v2.py) has just these.
    separable = 3 * 8 * 7 * 7 + 24 * 64
    assert agrees(separable, "2.7", KILO)
    assert agrees(112 * 112 * separable, "34", MILLION)
    whole = multiply_adds(graph("googlenet-2014")) - first + 112 * 112 * separable
    assert agrees(whole, "1.5", BILLION)  # section 5: "1.5 billion multiply-adds"


@pytest.mark.parametrize("published", ["3.47", "3.4"])
def test_mobilenetv2_holds_its_papers_millions_without_batch_norm(published: str) -> None:
    # 3.4M: Sandler et al. 2018, table 4; 3.47: tensorflow/models, slim/nets/mobilenet README
    modules = network("mobilenetv2").modules()
    norms = (module for module in modules if isinstance(module, nn.BatchNorm2d))
    scales = sum(weights.numel() for norm in norms for weights in norm.parameters())
    assert agrees(parameters("mobilenetv2") - scales, published, MILLION)


def test_the_published_cost_of_cct_leaves_out_the_products_between_tokens() -> None:
    # SHI-Labs/Compact-Transformers README: 0.947G for CCT-7/3x1, counted by hooks on modules
    between = ("_scaled_dot_product_flash_attention_for_cpu", "bmm")
    seen = [op for op in graph("cct-7-3x1").operators if op.name not in between]
    assert agrees(total_work(seen).products, "0.947", BILLION)
    assert agrees(multiply_adds(graph("cct-7-3x1")), "1.182", BILLION)  # with them


# ResNet-50 by four counts: who weighs what. fvcore 0.1.5.post20221221 and thop 0.1.1.post2209072238
# on torchvision's resnet50 in evaluation mode, 1 x 3 x 224 x 224.
@pytest.mark.parametrize(
    ("name", "convention", "published"),
    [
        ("resnet50", "products", 4_089_184_256),  # torch.utils.flop_counter on meta, halved
        ("resnet50", "fvcore", 4_111_514_624),
        ("resnet50", "thop", 4_133_742_592),
    ],
)
def test_each_published_count_of_resnet50_is_a_convention(
    name: str, convention: str, published: int
) -> None:
    work = total_work(graph(name).operators)
    assert work.count(CONVENTIONS[convention]) == published


@pytest.mark.parametrize(
    ("name", "convention", "published"),
    [
        # the same tools on torchvision's networks, in billions
        ("alexnet-2014", "fvcore", "0.7142"),
        ("alexnet-2014", "thop", "0.7142"),
        ("vgg16", "fvcore", "15.4703"),
        ("vgg16", "thop", "15.4703"),
        ("resnet18", "fvcore", "1.8191"),
        ("resnet18", "thop", "1.8240"),
        ("mobilenetv2", "fvcore", "0.3142"),
        ("mobilenetv2", "thop", "0.3275"),
    ],
)
def test_counts_of_other_tools_are_conventions(name: str, convention: str, published: str) -> None:
    work = total_work(graph(name).operators)
    assert agrees(work.count(CONVENTIONS[convention]), published, BILLION)


@pytest.mark.parametrize(
    ("name", "size", "stride"),
    [
        # Araujo, Norris, Sim 2019, distill.pub/2019/computing-receptive-fields, table of networks;
        # their AlexNet v2 is the one of 2014, their ResNet has a 3x3 before each stride as that of
        # 2015 has it after
        ("alexnet-2014", 195, 32),
        ("vgg16", 212, 32),
        ("resnet50-2015", 483, 32),
        # torchlens 2.36 on torchvision's networks
        ("resnet18", 435, 32),
        ("resnet50", 427, 32),
        ("mobilenetv2", 491, 32),
    ],
)
def test_the_last_maps_see_as_far_as_published(name: str, size: int, stride: int) -> None:
    assert (field(name).size, field(name).stride) == ((size, size), (stride, stride))
