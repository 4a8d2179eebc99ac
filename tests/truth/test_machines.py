"""Named machines against what vendors, and PyTorch's own table of devices, say."""

from __future__ import annotations

import pytest
import torch

from hubel.analysis.budget.machine import named_machine

# Dense tera-operations (2 to a multiply-add) in float32 and in float16 with float32 accumulation,
# and bytes a second, each as the document beside it has it.
DATA_SHEETS = {
    # H100 data sheet: FP32 67, FP16 1,979 with sparsity, 3.35 TB/s.
    "h100-sxm": (67e12, 989.5e12, 3.35e12),
    # H100 data sheet of 2023: FP32 51, FP16 1,513 with sparsity, 2 TB/s.
    "h100-pcie": (51e12, 756.5e12, 2e12),
    # H200 data sheet: FP32 67, FP16 1,979 with sparsity, 4.8 TB/s.
    "h200": (67e12, 989.5e12, 4.8e12),
    # A100 data sheet: FP32 19.5, FP16 312 and 624 with sparsity, 1,555 and 2,039 GB/s.
    "a100-40gb": (19.5e12, 312e12, 1.555e12),
    "a100-80gb": (19.5e12, 312e12, 2.039e12),
    # L4 data sheet: FP32 30.3, FP16 242 with sparsity, 300 GB/s.
    "l4": (30.3e12, 121e12, 0.3e12),
    # T4 data sheet: 8.1 single, 65 mixed precision, 300 GB/s.
    "t4": (8.1e12, 65e12, 0.3e12),
    # Ada white paper, appendix A: FP32 82.6, FP16 165.2 (330.4 with sparsity), 1,008 GB/s.
    "rtx-4090": (82.6e12, 165.2e12, 1.008e12),
    # Apple, November 2020: 2.6 teraflops; LPDDR4X-4266 on 128 bits: 4266e6 * 16 bytes.
    "apple-m1": (2.6e12, None, 68.3e9),
    # Arm's guides: 16 (X4) and 8 (A720) multiply-adds a cycle; Qualcomm's clocks; 9,600 MT/s * 8.
    "snapdragon-8-gen-3": (2 * 177.6e9, None, 76.8e9),
    # Raspberry Pi documentation: 4 cores, 2.4 GHz, 17 GB/s; Arm: 8 multiply-adds a cycle.
    "raspberry-pi-5": (2 * 76.8e9, None, 17e9),
}


@pytest.mark.parametrize("name", DATA_SHEETS)
def test_figures_are_those_of_the_data_sheet(name: str) -> None:
    single, half, bandwidth = DATA_SHEETS[name]
    machine = named_machine(name)
    assert 2 * machine.peak() == pytest.approx(single)
    assert machine.multiply_adds.get("float16", 0) * 2 == pytest.approx(half or 0)
    assert machine.bandwidth == pytest.approx(bandwidth, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "device"), [("h100-sxm", "NVIDIA H100"), ("a100-80gb", "NVIDIA A100")]
)
@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16", "float16"])
def test_figures_are_those_that_pytorch_has(name: str, device: str, precision: str) -> None:
    """Its table gives H100's tensor cores with sparsity, and says so."""
    table = pytest.importorskip("torch._inductor.analysis.device_info")
    info, machine = table.lookup_device_info(device), named_machine(name)
    key = "torch.tf32" if precision == "tf32" else getattr(torch, precision)
    sparse = info.tops_sparsity_factor if precision != "float32" else 1
    assert 2 * machine.peak(precision) == pytest.approx(info.tops[key] * 1e12 / sparse, rel=2e-3)
    assert machine.bandwidth == info.dram_bw_gbs * 1e9
    assert machine.memory == info.dram_gb * 1e9
