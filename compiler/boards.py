"""The machines a build can run on, each a row of data. To add one: its folder in firmware/, and its row in BOARDS."""

from __future__ import annotations

from dataclasses import dataclass

COMMON_FLAGS = ("-std=c99", "-O2", "-ffp-contract=off")


@dataclass(frozen=True)
class Board:
    """A machine that the test harness runs on.

    Args:
        what: It in words.
        folder: In firmware/, with the C that the harness needs of it.
        compiler: The C compiler's command.
        flags: What that needs to know about the processor.
        link: Flags of the linker, `{folder}` standing for the board's folder.
        run: How a program is run there, `{program}` standing for its file.
        processor: Its name, where instructions are counted.
        clock_hz: As fast as a common one runs, for the load that is shown; 0 where none is.
    """

    what: str
    folder: str
    compiler: str
    flags: tuple[str, ...]
    link: tuple[str, ...]
    run: tuple[str, ...]
    processor: str = ""
    clock_hz: int = 0


def _mps2(processor: str, clock_hz: int, machine: str, script: str, flags: tuple[str, ...]) -> Board:
    link = ("-nostartfiles", "--specs=nosys.specs", "-Wl,--no-warn-rwx-segments")
    run = ("qemu-system-arm", "-M", machine, "-icount", "shift=0", "-display", "none", "-monitor", "none")
    semihosting = ("-serial", "none", "-semihosting-config", "enable=on,target=native", "-kernel", "{program}")
    return Board(
        f"an emulated {processor}",
        "qemu_mps2",
        "arm-none-eabi-gcc",
        (*flags, "-mfloat-abi=hard"),
        (*link, "-L{folder}", "-T", script, "-lm"),
        (*run, *semihosting),
        processor,
        clock_hz,
    )


HOST = Board("this machine", "host", "gcc", (), ("-lm",), ("./{program}",))
CORTEX_M7 = _mps2("Cortex-M7", 480_000_000, "mps2-an500", "an500.ld", ("-mcpu=cortex-m7", "-mfpu=fpv5-d16"))
CORTEX_M4 = _mps2("Cortex-M4", 168_000_000, "mps2-an386", "an386.ld", ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16"))

# What --board may be, the default first: what `emulator` stands for.
BOARDS = {"cortex-m7": CORTEX_M7, "cortex-m4": CORTEX_M4}
DEFAULT = next(iter(BOARDS))
