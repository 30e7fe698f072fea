"""What the processor is good at."""

from pathlib import Path

BFLOAT16 = {"amx_bf16", "avx512_bf16", "bf16"}  # Intel's and AMD's names of such instructions, and Arm's


def fast_precision(cpu_info: Path = Path("/proc/cpuinfo")) -> str:
    """The policy in which Keras trains an image network fastest here: "mixed_bfloat16" or "float32".

    A processor without instructions for bfloat16 has them imitated, many times slower than float32.

    Args:
        cpu_info: what Linux says of the processor. Where there is no such file, float32 is the safe choice.
    """
    try:
        words = cpu_info.read_text().split()
    except OSError:
        return "float32"
    return "mixed_bfloat16" if BFLOAT16 & set(words) else "float32"
