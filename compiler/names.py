"""Names for C and Verilog, from whatever a layer or a file is called."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

LONGEST = 40

# Words that C or Verilog keep for themselves, and headers of the C library, which <name>.h must not hide.
RESERVED = frozenset(
    word
    for line in (
        "always and assign auto begin break buf bufif0 bufif1 case casex casez char cmos const continue deassign",
        "default defparam disable do double edge else end endcase endfunction endgenerate endmodule endtask enum event",
        "extern float for force forever fork function generate genvar goto highz0 highz1 if initial inline inout input",
        "int integer join large localparam long macromodule main medium module nand negedge nmos nor not or output",
        "parameter pmos posedge primitive pull0 pull1 real realtime reg register release repeat restrict return rtran",
        "scalared short signed sizeof small specify static strong0 strong1 struct supply0 supply1 switch table task",
        "time tran tri tri0 tri1 triand trior trireg typedef union unsigned vectored void volatile wait wand weak0",
        "weak1 while wire wor xnor xor assert complex ctype errno fenv inttypes iso646 limits locale math setjmp",
        "signal stdarg stdbool stddef stdint stdio stdlib string tgmath wchar wctype",
        # <name>_t is a type of the C library.
        "clock div int16 int32 int64 int8 intmax intptr max_align off ptrdiff size ssize uint16 uint32 uint64 uint8",
        "uintmax uintptr wint",
    )
    for word in line.split()
)
# What the files of the runtime begin with.
RESERVED_PREFIXES = ("nn_", "arm_", "cmsis")


def identifier(wanted: str) -> str:
    """ASCII letters, digits and underscores, beginning with a letter, at most 40 characters, in lower case."""
    text = "".join(c if c.isascii() and c.isalnum() else "_" for c in wanted).strip("_")[:LONGEST].lower() or "net"
    return text if text[0].isalpha() else f"n_{text}"[:LONGEST]


def build_name(wanted: str, taken: Collection[str] = ()) -> str:
    """What every symbol and file of a build begins with: an identifier that nothing else has taken.

    Args:
        wanted: Usually the model file's stem.
        taken: Names of the files that the target puts into every build.
    """
    name = identifier(wanted)
    reserved = name in RESERVED or name in taken or name.startswith(RESERVED_PREFIXES)
    return f"{name}_net" if reserved else name


@dataclass
class Namer:
    """Hands out identifiers, each once."""

    taken: set[str] = field(default_factory=set)
    # How far the numbers behind an identifier have got, so that ten thousand of one name take no longer than others.
    counts: dict[str, int] = field(default_factory=dict)

    def __call__(self, wanted: str) -> str:
        """An identifier like `wanted`, with a number behind it if that is taken."""
        text = identifier(wanted)
        name, count = text, self.counts.get(text, 1)
        while name in self.taken:
            count += 1
            name = f"{text}_{count}"
        self.counts[text] = count
        self.taken.add(name)
        return name
