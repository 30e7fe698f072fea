"""Where the files lie that builds are made of and run with, in a checkout and in an installed wheel alike.

In a checkout, firmware/ and rtl/ are folders of their own beside the packages, to be read, linted and tested alone;
a wheel carries them inside this package. sim/ is a package like any other and is found by its name.
"""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = (_PACKAGE / "firmware").is_dir()
_HOME = _PACKAGE if _INSTALLED else _PACKAGE.parent

FIRMWARE = _HOME / "firmware"  # the C runtime, and what runs it on each board
RUNTIME = FIRMWARE / "runtime"
RTL = _HOME / "rtl"  # the modules that generated Verilog stands on


def cache() -> Path:
    """The folder for what is fetched once: `.cache` of a checkout, else the user's own."""
    if not _INSTALLED:
        return _HOME / ".cache"
    if wanted := os.environ.get("XDG_CACHE_HOME"):
        return Path(wanted) / "keras-silicon"
    try:
        return Path.home() / ".cache" / "keras-silicon"
    except RuntimeError:  # an account without a home; a shared temporary folder could be filled by anybody
        return Path.cwd() / ".cache" / "keras-silicon"
