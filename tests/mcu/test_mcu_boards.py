"""What fits on a board, and where: memories are rows of data, and a model that is too large is refused by name."""

from dataclasses import replace

import keras
import pytest
from mcu_nets import dilated, wavenet

import compiler
from compiler.boards import BOARDS, CORTEX_M7, DAISY_SEED, Memory
from compiler.errors import CompileError
from compiler.mcu.scheduler import make_schedule
from compiler.mcu.target import Mcu
from compiler.options import Options


def generated(board, graph):
    return Mcu(board).generate(graph, Options(target="mcu"), ())


def test_a_state_goes_into_the_fastest_memory_that_holds_it():
    _, graph = wavenet()
    size = make_schedule(graph).struct_bytes
    small, exact = Memory("ITCM", size - 1, ".itcm"), Memory("DTCM", size, ".dtcm")
    _, figures = generated(replace(CORTEX_M7, memories=(small, exact, Memory("SDRAM", 1 << 20))), graph)
    assert (figures["state_memory"], figures["state_section"]) == ("DTCM", ".dtcm")
    _, figures = generated(CORTEX_M7, graph)
    assert (figures["state_memory"], figures["state_section"]) == (None, None)
    _, figures = generated(DAISY_SEED, graph)
    assert (figures["state_memory"], figures["state_section"]) == ("DTCM", ".dtcmram_bss")


def test_what_fits_nowhere_is_refused_with_the_memory_and_the_bytes():
    _, graph = dilated(3, fixed=False)
    schedule = make_schedule(graph)
    tight = replace(DAISY_SEED, memories=(Memory("DTCM", schedule.struct_bytes - 1), Memory("SRAM4", 8)))
    with pytest.raises(CompileError, match=rf"net works in {schedule.struct_bytes:,} bytes.* Daisy Seed, its DTCM"):
        generated(tight, graph)
    little = replace(DAISY_SEED, flash=schedule.weights_bytes - 1)
    with pytest.raises(
        CompileError, match=rf"net has {schedule.weights_bytes:,} bytes of weights.* the flash of a Daisy"
    ):
        generated(little, graph)


def test_a_build_is_checked_against_its_board(tmp_path):
    """From the command's own function, files and all."""
    keras.Sequential([keras.layers.Input((None, 3)), keras.layers.Dense(2)]).save(tmp_path / "net.h5")
    made = compiler.compile(tmp_path / "net.h5", "mcu", out=tmp_path / "daisy", board="daisy_seed", kernels="cortex-m7")
    assert (made.report["state_memory"], made.report["state_section"]) == ("DTCM", ".dtcmram_bss")
    keras.Sequential([keras.layers.Input((None, 200)), keras.layers.Dense(200)]).save(tmp_path / "large.h5")
    with pytest.raises(CompileError, match=r"160,800 bytes of weights, and the flash of a Daisy Seed 131,072"):
        compiler.compile(tmp_path / "large.h5", "mcu", out=tmp_path / "large", board="daisy_seed")
    assert not (tmp_path / "large").exists()


def test_rows_are_whole():
    for name, board in BOARDS.items():
        assert board.processor and board.clock_hz and "emulated" in board.what, name
        assert bool(board.flash) == bool(board.memories)
        assert all(memory.size and memory.section[:1] in ("", ".") for memory in board.memories)
