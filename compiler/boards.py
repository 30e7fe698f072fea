"""The machines a build can run on, each a row of data. To add one: its folder in firmware/, and its row in BOARDS."""

from __future__ import annotations

from dataclasses import dataclass, replace

COMMON_FLAGS = ("-std=c99", "-O2", "-ffp-contract=off")


@dataclass(frozen=True)
class Memory:
    """One kind of memory for states.

    Args:
        name: What the processor's manual calls it.
        size: In bytes.
        section: Of the board's usual linker script, which puts variables there; "" where they go by themselves, or
            where that script names none.
    """

    name: str
    size: int
    section: str = ""


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
        flash: Bytes for code and weights; 0 where nothing is said.
        memories: For states, the fastest first; none where nothing is said.
    """

    what: str
    folder: str
    compiler: str
    flags: tuple[str, ...]
    link: tuple[str, ...]
    run: tuple[str, ...]
    processor: str = ""
    clock_hz: int = 0
    flash: int = 0
    memories: tuple[Memory, ...] = ()

    def memory(self, size: int) -> Memory | None:
        """The fastest memory that holds a state of so many bytes."""
        return next((memory for memory in self.memories if size <= memory.size), None)


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

K, M = 1 << 10, 1 << 20
# The emulated Cortex-M7 computes in place of these; sections are those of libDaisy and of Teensyduino.
DAISY_SEED = replace(
    CORTEX_M7,
    what="an emulated Cortex-M7 in place of a Daisy Seed",
    flash=128 * K,
    memories=(Memory("DTCM", 128 * K, ".dtcmram_bss"), Memory("SRAM", 512 * K), Memory("SDRAM", 64 * M, ".sdram_bss")),
)
TEENSY41 = replace(
    CORTEX_M7,
    what="an emulated Cortex-M7 in place of a Teensy 4.1",
    clock_hz=600_000_000,
    flash=7936 * K,
    memories=(Memory("RAM1", 512 * K), Memory("RAM2", 512 * K, ".dmabuffers")),
)
STM32H743 = replace(
    CORTEX_M7,
    what="an emulated Cortex-M7 in place of an STM32H743",
    flash=2 * M,
    memories=(Memory("DTCM", 128 * K), Memory("AXI SRAM", 512 * K)),
)

# What --board may be, the default first: what `emulator` stands for.
BOARDS = {
    "cortex-m7": CORTEX_M7,
    "cortex-m4": CORTEX_M4,
    "daisy_seed": DAISY_SEED,
    "teensy41": TEENSY41,
    "stm32h743": STM32H743,
}
DEFAULT = next(iter(BOARDS))
