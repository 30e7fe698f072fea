"""HDF5 files that may hold anything: hard links only, plain datasets only, so many bytes and no more.

What a damaged file makes h5py raise is written nowhere, so every access to one stands within `_damaged`.
"""

from __future__ import annotations

import io
import math
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np

from compiler.errors import CompileError

ALWAYS_ALLOWED = 64 << 20  # bytes of weights, however small the file
DEEPEST = 64  # groups within groups that a path may lead through
HEAD = 16  # bytes of an object in a global heap before its content
_HEAPS = re.compile(rb"GCOL\x01\0\0\0(.{8})", re.DOTALL)
MOST_WEIGHTS = 20_000
BYTES_OF_A_CHUNK = 4096  # on average at least, where a file has many
LARGEST_LZF = 1 << 20  # bytes of a chunk; HDF5 unfolds LZF to a hundred times its size at most
SHUFFLE, DEFLATE, LZF = h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_LZF
CHECKSUM = h5py.h5z.FILTER_FLETCHER32
CHECKSUM_BYTES = 4
FILTERS = (SHUFFLE, DEFLATE, LZF, CHECKSUM)  # those that are known, in the order in which they may be applied


@contextmanager
def _damaged(what: str) -> Iterator[None]:
    try:
        yield
    except CompileError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:120]
        raise CompileError(f"{what} is damaged: {reason}") from None


class File:
    """An HDF5 file in memory.

    Args:
        data: Its bytes.
        otherwise: What to say when it is none.
    """

    def __init__(self, data: bytes, otherwise: str) -> None:
        _check_heaps(data)
        try:
            self._file = h5py.File(io.BytesIO(data), "r")
        except Exception:
            raise CompileError(otherwise) from None
        # A file of weights is about as large as they are. What unfolds to more is a trap.
        self.bytes_left = max(ALWAYS_ALLOWED, 2 * len(data))
        # Nor is a group ever so small; more are a circle of links.
        self.groups_left = 1000 + len(data) // 64
        self.weights_left = MOST_WEIGHTS
        self.chunks_left = 1000 + len(data) // BYTES_OF_A_CHUNK

    @property
    def root(self) -> Group:
        """The group that holds all others. The file keeps no hold on it, so that both go when nobody has it."""
        return Group(self, h5py.h5g.open(self._file.id, b"/"), "/")


class Group:
    """A group of such a file."""

    def __init__(self, file: File, group: h5py.h5g.GroupID, name: str) -> None:
        self.file = file
        self.name = name
        self._group = group
        file.groups_left -= 1
        if file.groups_left < 0:
            raise CompileError(f"the group '{name}' is one of more than the file has room for")

    def __contains__(self, path: str) -> bool:
        return self._walk(path) is not None

    def keys(self) -> list[str]:
        """The names of what is in it."""
        with _damaged(f"the group '{self.name}'"):
            return [name.decode("utf-8", "surrogateescape") for name in self._group]

    def _walk(self, path: str) -> Any:
        """What lies there, over hard links only: a soft or external link could lead out of the file, or in a circle."""
        node = self._group
        with _damaged(f"'{path}' in the group '{self.name}'"):
            for part in path.encode("utf-8", "surrogateescape").split(b"/", DEEPEST):
                if not isinstance(node, h5py.h5g.GroupID) or not _is_hard_link(node, part):
                    return None
                node = h5py.h5o.open(node, part)
        return node

    def _name(self, path: str) -> str:
        return f"{self.name.rstrip('/')}/{path}"

    def holds_group(self, path: str) -> bool:
        """Whether a group lies there, rather than a weight or nothing."""
        return isinstance(self._walk(path), h5py.h5g.GroupID)

    def group(self, path: str) -> Group:
        """A group in it."""
        node = self._walk(path)
        if not isinstance(node, h5py.h5g.GroupID):
            raise CompileError(f"no group '{path}' in the group '{self.name}'")
        return Group(self.file, node, self._name(path))

    def attributes(self) -> list[str]:
        """The names of its attributes."""
        with _damaged(f"the group '{self.name}'"):
            return list(h5py.Group(self._group).attrs)

    def attribute(self, name: str) -> Any:
        """An attribute as h5py gives it; None where there is none."""
        with _damaged(f"the attribute '{name}' of '{self.name}'"):
            attributes = h5py.Group(self._group).attrs
            return attributes[name] if name in attributes else None  # noqa: SIM401 -- `get` hides errors

    def text(self, name: str) -> str | None:
        """An attribute that is text."""
        value = self.attribute(name)
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if value is not None and not isinstance(value, str):
            raise CompileError(f"the attribute '{name}' of '{self.name}' is no text")
        return value

    def names(self, attribute: str) -> list[str]:
        """A list of names: an attribute, or several numbered ones where it was too long for one."""
        parts = [self.attribute(attribute)]
        while parts[-1] is not None or len(parts) == 1:
            parts.append(self.attribute(f"{attribute}{len(parts) - 1}"))
        names = [name for part in parts if part is not None for name in np.ravel(part)]
        names = [name.decode("utf-8", "replace") if isinstance(name, bytes) else name for name in names]
        if not all(isinstance(name, str) for name in names):
            raise CompileError(f"the attribute '{attribute}' of '{self.name}' is no list of names")
        return names

    def weight(self, path: str) -> np.ndarray:
        """A dataset of numbers in it. bfloat16, which HDF5 does not know, becomes float32."""
        node, name = self._walk(path), self._name(path)
        if not isinstance(node, h5py.h5d.DatasetID):
            raise CompileError(f"no weight '{path}' in the group '{self.name}'")
        self.file.weights_left -= 1
        if self.file.weights_left < 0:
            raise CompileError(f"The file holds more than {MOST_WEIGHTS:,} weights.")
        with _damaged(f"the weight '{name}'"):
            return _read(self.file, node, name)


def _read(file: File, node: h5py.h5d.DatasetID, name: str) -> np.ndarray:
    plan = node.get_create_plist()
    layout = plan.get_layout()
    if layout == h5py.h5d.VIRTUAL or plan.get_external_count():
        raise CompileError(f"the weight '{name}' points outside the file")
    kind, width = node.dtype.kind, node.dtype.itemsize
    if not (kind in "fiub" and width <= 8) and not (kind == "V" and width == 2 and node.dtype.names is None):
        raise CompileError(f"the weight '{name}' is of type {node.dtype}, which holds no numbers")
    if node.get_space().get_simple_extent_type() == h5py.h5s.NULL:
        raise CompileError(f"the weight '{name}' is empty")
    shape, chunk = node.shape, plan.get_chunk() if layout == h5py.h5d.CHUNKED else ()
    bytes_needed = width * max(math.prod(shape), math.prod(chunk))
    if bytes_needed > file.bytes_left:
        raise CompileError(f"the weight '{name}' of shape {shape} is larger than its file can hold")
    file.bytes_left -= bytes_needed
    if chunk:
        _check_chunks(file, node, name, width * math.prod(chunk))
    array = np.empty(shape, node.dtype)
    node.read(h5py.h5s.ALL, h5py.h5s.ALL, array)
    return _from_bfloat16(array) if kind == "V" else array


def _check_chunks(file: File, node: h5py.h5d.DatasetID, name: str, size: int) -> None:
    """Refuses chunks that unfold to more than a chunk is said to have: HDF5 would unfold them to their end.

    Args:
        size: Bytes of a chunk.
    """
    plan = node.get_create_plist()
    filters = [plan.get_filter(i)[0] for i in range(plan.get_nfilters())]
    if filters != [each for each in FILTERS if each in filters] or {DEFLATE, LZF} <= set(filters):
        raise CompileError(f"the weight '{name}' is packed in a way that is not known")
    if LZF in filters and size > LARGEST_LZF:
        raise CompileError(f"the weight '{name}' is packed with LZF in chunks of more than {LARGEST_LZF:,} bytes")
    count = node.get_num_chunks()
    file.chunks_left -= count
    if file.chunks_left < 0:
        raise CompileError(f"the weight '{name}' is in more pieces than its file has room for")
    chunks: list[h5py.h5d.StoreInfo] = []
    node.chunk_iter(chunks.append)
    for info in chunks:
        if info.size > size + CHECKSUM_BYTES or (not filters and info.size != size):
            raise CompileError(f"the weight '{name}' has a chunk of {info.size:,} bytes; a chunk has {size:,}")
        if DEFLATE not in filters or info.filter_mask >> filters.index(DEFLATE) & 1:
            continue
        _, packed = node.read_direct_chunk(info.chunk_offset)
        sealed = CHECKSUM in filters and not info.filter_mask >> filters.index(CHECKSUM) & 1
        unfolded = zlib.decompressobj().decompress(packed[: -CHECKSUM_BYTES if sealed else None], size + 1)
        if len(unfolded) != size:
            raise CompileError(f"the weight '{name}' has a chunk that does not unfold to the {size:,} bytes it has")


def _check_heaps(data: bytes) -> None:
    """Refuses a global heap, where HDF5 keeps text, whose objects do not move on: HDF5 1.14 would never come back.

    The heap is a list of objects: index and count (2 bytes each), 4 reserved, size (8), content to a multiple of 8.
    What is left over is an object of index 0 whose size includes its own head.
    """
    looks_left = 1000 + len(data) // HEAD
    for match in _HEAPS.finditer(data):
        at, end = match.end(), min(match.start() + int.from_bytes(match[1], "little"), len(data))
        while at + HEAD <= end:
            index, size = struct.unpack_from("<H6xQ", data, at)
            step = size if index == 0 else HEAD + (size + 7 & ~7)
            looks_left -= 1
            if step < HEAD or size > len(data) or looks_left < 0:
                raise CompileError("a damaged HDF5 file: its global heap does not end")
            at += step


def _is_hard_link(group: h5py.h5g.GroupID, name: bytes) -> bool:
    return group.links.exists(name) and group.links.get_info(name).type == h5py.h5l.TYPE_HARD


def _from_bfloat16(array: np.ndarray) -> np.ndarray:
    """A bfloat16 is the upper half of a float32."""
    return (np.asarray(array).view("<u2").astype("<u4") << 16).view("<f4").astype(np.float32)
