"""The machines a build can run on, and how to compile for them."""

from __future__ import annotations

from dataclasses import dataclass

COMMON_FLAGS = ("-std=c99", "-O2", "-ffp-contract=off")


@dataclass(frozen=True)
class Board:
    """A machine that the test harness runs on.

    Args:
        name: Its folder in firmware/.
        compiler: The C compiler's command.
        flags: What it needs to know about the processor.
        link: Flags of the linker, `{board}` standing for the board's folder.
    """

    name: str
    compiler: str
    flags: tuple[str, ...] = ()
    link: tuple[str, ...] = ()


HOST = Board("host", "gcc", link=("-lm",))

CORTEX_M7 = Board(
    "qemu_mps2_an500",
    "arm-none-eabi-gcc",
    flags=("-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=hard"),
    link=("-nostartfiles", "--specs=nosys.specs", "-Wl,--no-warn-rwx-segments", "-T", "{board}/link.ld", "-lm"),
)

BOARDS = {"host": HOST, "emulator": CORTEX_M7}

EMULATOR = (
    *("qemu-system-arm", "-M", "mps2-an500", "-icount", "shift=0", "-display", "none", "-monitor", "none"),
    *("-serial", "none", "-semihosting-config", "enable=on,target=native", "-kernel"),
)
