"""Puts the repository at the front of the path: sim/ is a folder of it, not an installed package."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
