"""Audio files: .wav in whole numbers of 8 to 32 bits and in floating point; written in 32-bit floating point."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compiler.errors import CompileError
from compiler.npy import unreadable

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
# Samples as they lie in the file: (kind, bits) -> type.
TYPES = {(PCM, 8): "u1", (PCM, 16): "<i2", (PCM, 32): "<i4", (FLOAT, 32): "<f4", (FLOAT, 64): "<f8"}
MOST_BYTES = 2**32 - 1  # what the length of a chunk can say


@dataclass(frozen=True)
class _Layout:
    """What the `fmt ` chunk says."""

    kind: int
    channels: int
    rate: int
    frame: int  # bytes of one sample of all channels
    bits: int


def read(path: Path) -> tuple[np.ndarray, int]:
    """The samples of a .wav file, (samples, channels) in float32 with full scale 1, and their number a second.

    Raises:
        CompileError: It is no .wav file, its chunks contradict each other or the file's length, or it is coded.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from None
    try:
        layout, samples = _parse(data)
    except CompileError as error:
        error.file = str(path)
        raise
    return _decode(layout, samples), layout.rate


def write(path: Path, samples: np.ndarray, rate: int) -> None:
    """Writes (samples, channels) in 32-bit floating point."""
    path.write_bytes(encode(samples, rate, str(path)))


def encode(samples: np.ndarray, rate: int, where: str) -> bytes:
    """The bytes of a .wav file with (samples, channels) in 32-bit floating point.

    Raises:
        CompileError: They are more than a .wav file can hold.
    """
    channels = samples.shape[1]
    data = np.ascontiguousarray(samples, "<f4").tobytes()
    if len(data) + 64 > MOST_BYTES or not 0 < channels < 2**14 or 4 * channels * rate > MOST_BYTES:
        raise CompileError(
            f"a .wav cannot hold {samples.shape[0]:,} samples of {channels:,} channels, {rate:,} a second",
            file=where,
            hint="Write a .npy.",
        )
    layout = struct.pack("<HHIIHHH", FLOAT, channels, rate, 4 * channels * rate, 4 * channels, 32, 0)
    chunks = _chunk(b"fmt ", layout) + _chunk(b"fact", struct.pack("<I", len(samples))) + _chunk(b"data", data)
    return _chunk(b"RIFF", b"WAVE" + chunks)


def _chunk(name: bytes, contents: bytes) -> bytes:
    return name + struct.pack("<I", len(contents)) + contents + b"\0" * (len(contents) % 2)


def _parse(data: bytes) -> tuple[_Layout, bytes]:
    """The layout, and the bytes of the samples."""
    if data[:4] in (b"RF64", b"RIFX") or data[8:12] != b"WAVE" or data[:4] != b"RIFF":
        raise CompileError("is no .wav file: it does not begin with RIFF and WAVE")
    layout, at = None, 12
    while at + 8 <= len(data):
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        contents = data[at + 8 : at + 8 + length]
        if len(contents) < length:
            called = name.decode("ascii", "backslashreplace").strip()
            raise CompileError(
                f"is damaged: its part '{called}' claims {length:,} bytes, and the file ends after {len(contents):,}"
            )
        if name == b"fmt ":
            layout = _layout(contents)
        if name == b"data":
            if layout is None:
                raise CompileError("is damaged: nothing says how its samples are laid out (no 'fmt' before 'data')")
            if length % layout.frame:
                raise CompileError(f"is damaged: {length:,} bytes are no whole number of samples of {layout.frame}")
            return layout, contents
        at += 8 + length + length % 2
    raise CompileError("holds no samples: there is no part 'data' in it")


def _layout(contents: bytes) -> _Layout:
    if len(contents) < 16:
        raise CompileError(f"is damaged: its part 'fmt' has {len(contents)} bytes and not 16")
    kind, channels, rate, _, frame, bits = struct.unpack("<HHIIHH", contents[:16])
    if kind == EXTENSIBLE and len(contents) >= 26:
        kind = int.from_bytes(contents[24:26], "little")
    for count, what in ((channels, "channels"), (rate, "samples a second"), (bits, "bits")):
        if not count:
            raise CompileError(f"is damaged: it says that it has 0 {what}")
    if (kind, bits) not in TYPES and (kind, bits) != (PCM, 24):
        raise CompileError(
            f"is coded in a way that is not read (format {kind}, {bits} bits)",
            hint="Save it with 16 or 24 bits, or in 32-bit floating point.",
        )
    if frame != channels * bits // 8:
        raise CompileError(f"is damaged: {channels} channels of {bits} bits are not {frame} bytes")
    return _Layout(kind, channels, rate, frame, bits)


def _decode(layout: _Layout, data: bytes) -> np.ndarray:
    if layout.bits == 24:
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        x = wide.reshape(-1).view("<i4")
    else:
        x = np.frombuffer(data, TYPES[layout.kind, layout.bits])
    if x.dtype.kind == "u":
        x = (x.astype(np.float64) - 128) / 128
    elif x.dtype.kind == "i":
        x = x / -float(np.iinfo(x.dtype).min)
    return x.astype(np.float32).reshape(-1, layout.channels)
