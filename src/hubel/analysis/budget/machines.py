"""Named machines, as their vendors describe them.

Data sheets of tensor cores since Ampere state figures "with sparsity", twice the dense ones: here
are the dense. They count a multiply-add as two operations: here it is one. Nobody reaches these
peaks, so a time predicted from them is the least possible.
"""

from __future__ import annotations

from hubel.analysis.budget.machine import Machine

__all__ = ["ALIASES", "MACHINES"]

_T, _G = 1e12, 1e9
# What the host takes to start one operator sets the pace when operators are small.
_LAUNCH = 7e-6
_LAUNCH_SOURCE = (
    "Overhead: operators of PyTorch on an H100 take at least 7 us "
    "(github.com/meta-pytorch/autoparallel, pull request 146)."
)


def _tflops(**figures: float) -> dict[str, float]:
    """Multiply-adds a second, of dense tera-operations a second with 2 to a multiply-add."""
    return {precision: figure * _T / 2 for precision, figure in figures.items()}


_H100 = "https://resources.nvidia.com/en-us-tensor-core/nvidia-tensor-core-gpu-datasheet"
_A100 = (
    "https://www.nvidia.com/content/dam/en-zz/Solutions/Data-Center/a100/pdf/"
    "nvidia-a100-datasheet-us-nvidia-1758950-r4-web.pdf"
)
_ARM = "https://developer.arm.com/documentation/PJDOC-466751330-7215/latest/"

MACHINES = (
    Machine(
        name="h100-sxm",
        title="NVIDIA H100 SXM, 80 GB",
        multiply_adds=_tflops(float32=67, tf32=989 / 2, bfloat16=1979 / 2, float16=1979 / 2),
        bandwidth=3350 * _G,
        memory=int(80 * _G),
        overhead=_LAUNCH,
        is_overlapped=True,
        source="NVIDIA H100 data sheet, SXM: FP32 67 teraFLOPS; with sparsity TF32 989, BF16 and "
        f"FP16 1,979; 80 GB, 3.35 TB/s. {_LAUNCH_SOURCE}",
        url=_H100,
    ),
    Machine(
        name="h100-pcie",
        title="NVIDIA H100 PCIe, 80 GB",
        multiply_adds=_tflops(float32=51, tf32=756 / 2, bfloat16=1513 / 2, float16=1513 / 2),
        bandwidth=2000 * _G,
        memory=int(80 * _G),
        overhead=_LAUNCH,
        is_overlapped=True,
        source="NVIDIA H100 data sheet of 2023, PCIe: FP32 51 teraFLOPS; with sparsity TF32 756, "
        f"BF16 and FP16 1,513; 80 GB, 2 TB/s. {_LAUNCH_SOURCE}",
        url=_H100,
    ),
    Machine(
        name="h200",
        title="NVIDIA H200 SXM, 141 GB",
        multiply_adds=_tflops(float32=67, tf32=989 / 2, bfloat16=1979 / 2, float16=1979 / 2),
        bandwidth=4800 * _G,
        memory=int(141 * _G),
        overhead=_LAUNCH,
        is_overlapped=True,
        source="NVIDIA H200 data sheet, SXM: FP32 67 TFLOPS; with sparsity TF32 989, BF16 and FP16 "
        f"1,979; 141 GB, 4.8 TB/s. {_LAUNCH_SOURCE}",
        url="https://www.nvidia.com/en-us/data-center/h200/",
    ),
    Machine(
        name="a100-40gb",
        title="NVIDIA A100, 40 GB",
        multiply_adds=_tflops(float32=19.5, tf32=156, bfloat16=312, float16=312),
        bandwidth=1555 * _G,
        memory=int(40 * _G),
        overhead=_LAUNCH,
        is_overlapped=True,
        source="NVIDIA A100 data sheet, 40 GB: FP32 19.5 TFLOPS; without sparsity TF32 156, BF16 "
        f"and FP16 312; 1,555 GB/s. {_LAUNCH_SOURCE}",
        url=_A100,
    ),
    Machine(
        name="a100-80gb",
        title="NVIDIA A100 SXM, 80 GB",
        multiply_adds=_tflops(float32=19.5, tf32=156, bfloat16=312, float16=312),
        bandwidth=2039 * _G,
        memory=int(80 * _G),
        overhead=_LAUNCH,
        is_overlapped=True,
        source="NVIDIA A100 data sheet, 80 GB SXM: FP32 19.5 TFLOPS; without sparsity TF32 156, "
        f"BF16 and FP16 312; 2,039 GB/s. {_LAUNCH_SOURCE}",
        url=_A100,
    ),
    Machine(
        name="l4",
        title="NVIDIA L4, 24 GB",
        multiply_adds=_tflops(float32=30.3, tf32=120 / 2, bfloat16=242 / 2, float16=242 / 2),
        bandwidth=300 * _G,
        memory=int(24 * _G),
        overhead=_LAUNCH,
        is_overlapped=True,
        source="NVIDIA L4 data sheet: FP32 30.3 teraFLOPS; with sparsity TF32 120, BF16 and FP16 "
        f"242; 24 GB, 300 GB/s. {_LAUNCH_SOURCE}",
        url="https://resources.nvidia.com/en-us-gpu-resources/l4-tensor-datasheet",
    ),
    Machine(
        name="t4",
        title="NVIDIA T4, 16 GB",
        multiply_adds=_tflops(float32=8.1, float16=65),
        bandwidth=300 * _G,
        memory=int(16 * _G),
        overhead=_LAUNCH,
        is_overlapped=True,
        source="NVIDIA T4 data sheet: single precision 8.1 TFLOPS, mixed precision (FP16/FP32) "
        f"65; 16 GB, 300 GB/s. It has neither TF32 nor BF16. {_LAUNCH_SOURCE}",
        url="https://www.nvidia.com/content/dam/en-zz/Solutions/Data-Center/tesla-t4/"
        "t4-tensor-core-datasheet-951643.pdf",
    ),
    Machine(
        name="rtx-4090",
        title="NVIDIA GeForce RTX 4090, 24 GB",
        multiply_adds=_tflops(float32=82.6, tf32=82.6, bfloat16=165.2, float16=165.2),
        bandwidth=1008 * _G,
        memory=int(24 * _G),
        overhead=_LAUNCH,
        is_overlapped=True,
        source="NVIDIA Ada GPU architecture white paper, appendix A: FP32 82.6 TFLOPS; without "
        "sparsity TF32 82.6, BF16 and FP16 with FP32 accumulation 165.2; 24 GB, 1,008 GB/s. "
        f"{_LAUNCH_SOURCE}",
        url="https://images.nvidia.com/aem-dam/Solutions/geforce/ada/"
        "nvidia-ada-gpu-architecture.pdf",
    ),
    Machine(
        name="apple-m1",
        title="Apple M1, 8-core GPU",
        multiply_adds=_tflops(float32=2.6),
        bandwidth=68.25 * _G,
        memory=int(16 * _G),
        is_overlapped=True,
        source="Apple, 10 November 2020: up to eight GPU cores, 2.6 teraflops. Bandwidth from its "
        "memory: LPDDR4X-4266 on 128 bits; Apple puts the M2's 100 GB/s at 50% above. Memory of "
        "the larger model. Overhead not published.",
        url="https://www.apple.com/newsroom/2020/11/apple-unleashes-m1/",
    ),
    Machine(
        name="snapdragon-8-gen-3",
        title="Qualcomm Snapdragon 8 Gen 3 (a phone), CPU",
        # Four 128-bit pipes a cycle on the X4, two on each A720: 4 numbers each.
        multiply_adds={"float32": (3.3 * 16 + 3 * 3.2 * 8 + 2 * 3.0 * 8) * _G},
        bandwidth=76.8 * _G,
        source="Qualcomm product brief: one core up to 3.3 GHz (Cortex-X4), three up to 3.2 and "
        "two up to 3.0 (Cortex-A720), LPDDR5x up to 4,800 MHz; Arm's optimization guides: FMLA on "
        "four 128-bit pipes (X4), two (A720). Computed: cores x clock x lanes, the two small cores "
        "left out; 9,600 MT/s on 64 bits. A phone gets slower as it warms. Overhead not published.",
        url="https://www.qualcomm.com/products/mobile/snapdragon/smartphones/"
        "snapdragon-8-series-mobile-platforms/snapdragon-8-gen-3-mobile-platform",
    ),
    Machine(
        name="raspberry-pi-5",
        title="Raspberry Pi 5, CPU",
        # Two 128-bit pipes a cycle on each Cortex-A76: 8 multiply-adds.
        multiply_adds={"float32": 4 * 2.4 * 8 * _G},
        bandwidth=17 * _G,
        memory=int(8 * _G),
        source="Raspberry Pi documentation, BCM2712: four Cortex-A76 at 2.4 GHz, up to 17 GB/s; "
        f"Arm's Cortex-A76 optimization guide: FMLA on two 128-bit pipes ({_ARM}). Computed: "
        "cores x clock x lanes. Memory of the 8 GB model. Overhead not published.",
        url="https://www.raspberrypi.com/documentation/computers/processors.html#bcm2712",
    ),
)

ALIASES = {
    "h100": "h100-sxm",
    "h200-sxm": "h200",
    "a100": "a100-80gb",
    "a100-40": "a100-40gb",
    "a100-80": "a100-80gb",
    "4090": "rtx-4090",
    "rtx4090": "rtx-4090",
    "m1": "apple-m1",
    "phone": "snapdragon-8-gen-3",
    "pi5": "raspberry-pi-5",
    "pi-5": "raspberry-pi-5",
    "raspberry-pi": "raspberry-pi-5",
}
