"""What a message for a stranger must not hold: traces of the compiler's own objects, and lists without end."""

import re

from compiler.ir import graph, ops
from compiler.ir.operation import Op
from compiler.lowering.operators import OPERATORS
from compiler.lowering.table import TABLE

LONGEST, MOST_NAMES = 700, 20


def kinds():
    """Names of our operations that are not Keras' as well."""
    classes = [each for module in (ops, graph) for each in vars(module).values() if isinstance(each, type)]
    names = {each.__name__ for each in classes if issubclass(each, Op)} - {"Op"}
    return sorted(names - set(TABLE) - set(OPERATORS) - {"Constant"})


KINDS = re.compile(rf"(?<!['\w])({'|'.join(kinds())})(?!['\w])")
OBJECTS = re.compile(r"\b[A-Z]\w+\(\w+=|<[\w.]+ (object|\w+=)|object at 0x|\b(np|numpy)\.|\barray\(|dtype\(")


def marks(what, hint):
    """What is wrong with a message, in words."""
    found = []
    text = f"{what} {hint or ''}"
    # What stands in quotes is the file's own, and so is the value behind a key.
    own = re.sub(r"'[^']*'|\"[^\"]*\"|=\S+", "", text)
    found += [f"names our operation {name}" for name in KINDS.findall(own)]
    found += [f"shows an object: {match.group()}" for match in OBJECTS.finditer(re.sub(r"'[^']*'", "", text))]
    if len(re.findall(r"\w+, ", own)) > MOST_NAMES:
        found.append("lists more names than anybody reads")
    if len(text) > LONGEST:
        found.append(f"has {len(text)} characters")
    if not what or what != what.strip() or "\n" in what.partition(":\n")[0]:
        found.append("is not one line")
    # A hint may end in a command, which is to be copied and has no full stop.
    begins, ends = re.match(r"[A-Z`'\"(-]", hint or "-"), re.search(r"[.!?`]\)?$|: .*--\S+", hint or ".")
    if not (begins and ends):
        found.append("has a hint that is no sentence")
    return found
