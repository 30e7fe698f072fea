"""Code, weights and state go into the sections that a user names: read off a linked image."""

import re
import subprocess

import pytest
from mcu_nets import wavenet
from mcu_sketch import every_operation
from mcu_tools import write

from compiler.boards import CORTEX_M7
from compiler.mcu import runner
from compiler.mcu.scheduler import make_schedule

CODE, WEIGHTS, STATE = 0x00200000, 0x00300000, 0x20200000
ROOM = 0x00100000
# Put into a linker's script behind the board's own.
PLACED = f"""
SECTIONS
{{
    .quick {CODE:#x} : {{ *(.quick) }}
    .tables {WEIGHTS:#x} : {{ *(.tables) }}
    .tight {STATE:#x} (NOLOAD) : {{ *(.tight) }}
}}
INSERT AFTER .ARM.exidx;
"""
SECTIONS = {"CODE": ".quick", "WEIGHTS": ".tables", "STATE": ".tight"}


def linked(folder, work, *, placed=True):
    """What a linked image has: symbol -> (address, bytes), its local ones too."""
    work.mkdir(exist_ok=True)
    (work / "placed.ld").write_text(PLACED)
    flags = [f'-DNET_{key}_SECTION=__attribute__((section("{name}")))' for key, name in SECTIONS.items()]
    flags += [f"-Wl,-T,{work / 'placed.ld'}"]
    main = [runner.FIRMWARE / "image" / "main.c"]
    used = (*(flags if placed else ()), "-Wl,--gc-sections", *runner.harness_flags("net"))
    program = runner.compile_program(folder, "net", CORTEX_M7, work, main, used)
    listed = subprocess.run(["arm-none-eabi-nm", "-S", program], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^(\w{8}) (\w{8}) \w (\w+)$", listed, re.MULTILINE)
    return {symbol: (int(address, 16), int(size, 16)) for address, size, symbol in found}


@pytest.mark.parametrize(
    "make",
    [lambda: wavenet(), lambda: wavenet(fixed=True), lambda: wavenet(fixed=True, wide=True)],
    ids=["float", "fixed", "wide"],
)
def test_all_of_a_build_lies_where_it_was_put(tmp_path, make):
    _, graph = make()
    folder = write(tmp_path / "build", graph)
    found, schedule = linked(folder, tmp_path / "work"), make_schedule(graph)
    address, size = found.pop("model")
    assert STATE <= address < STATE + ROOM and size == schedule.struct_bytes
    tables = {name: at for name, at in found.items() if re.fullmatch(r"net_\w+_(weights|bias)", name)}
    assert all(WEIGHTS <= address < WEIGHTS + ROOM for address, _ in tables.values())
    # Whole, and not as literals within the code.
    assert sum(size for _, size in tables.values()) == schedule.weights_bytes
    for name, (address, _) in found.items():
        function = re.fullmatch(r"net_(process|init|reset\w*)", name)
        begin = CODE if function else WEIGHTS
        assert not name.startswith("net_") or begin <= address < begin + ROOM, name
    assert "net_process" in found
    assert linked(folder, tmp_path / "work", placed=False)["net_process"][0] < CODE


def test_large_functions_go_along(tmp_path):
    """What a build calls and does not inline lies with its code."""
    found = linked(write(tmp_path / "build", every_operation("frame")[1]), tmp_path / "work")
    outside = {name for name, (address, _) in found.items() if name.startswith(("nn_", "net_")) and address < CODE}
    assert not outside
