"""What is taken for fast on which processor."""

import pytest

from zoo.processor import fast_precision


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16 amx_tile", "mixed_bfloat16"),
        ("flags : fpu amx_bf16", "mixed_bfloat16"),
        ("Features\t: fp asimd bf16 i8mm", "mixed_bfloat16"),
        ("flags\t\t: fpu fma avx2 avx512f", "float32"),
        ("flags : ebf16x", "float32"),
    ],
)
def test_bfloat16_is_for_processors_that_have_it(flags, wanted, tmp_path):
    (tmp_path / "cpuinfo").write_text(f"processor : 0\n{flags}\n")
    assert fast_precision(tmp_path / "cpuinfo") == wanted


def test_nothing_known_is_float32(tmp_path):
    assert fast_precision(tmp_path / "cpuinfo") == "float32"
