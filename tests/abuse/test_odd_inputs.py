"""Degenerate samples: whatever is in a file, running it succeeds or says what is wrong with it."""

import io
import struct
import zipfile

import numpy as np
import pytest
from abuse_tools import TIMES, demand

GOOD = np.linspace(-1, 1, 60, dtype=np.float32).reshape(20, 3)


def npy(array, **how):
    file = io.BytesIO()
    np.save(file, array, **how)
    return file.getvalue()


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def header(text):
    """An .npy with a header of its own."""
    raw = text.encode("latin1") + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(raw)) + raw + bytes(64)


def chunk(name, data, length=None):
    return name + struct.pack("<I", len(data) if length is None else length) + data


def wav(*chunks, size=None):
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def fmt(tag=1, channels=3, rate=48000, bits=16):
    block = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * block & 0xFFFFFFFF, block, bits))


PCM = chunk(b"data", bytes(range(240)))

ARRAYS = {
    "no samples": np.zeros((0, 3)),
    "no streams": np.zeros((0, 10, 3)),
    "streams of no samples": np.zeros((2, 0, 3)),
    "no channels": np.zeros((10, 0)),
    "a number": np.float64(3),
    "one axis": np.zeros(3),
    "five axes": np.zeros((1, 1, 1, 2, 3)),
    "too many channels": np.zeros((10, 4)),
    "one sample": np.zeros((1, 3)),
    "truth values": np.ones((10, 3), bool),
    "complex": np.ones((10, 3), complex),
    "text": np.array([["a", "b", "c"]]),
    "bytes": np.array([[b"a", b"b", b"c"]]),
    "dates": np.zeros((10, 3), "M8[s]"),
    "a record": np.zeros(10, [("a", "f4"), ("b", "f4"), ("c", "f4")]),
    "half precision": GOOD.astype(np.float16),
    "big endian": GOOD.astype(">f8"),
    "Fortran order": np.asfortranarray(GOOD),
    "NaN": np.full((10, 3), np.nan),
    "infinity": np.full((10, 3), np.inf),
    "beyond float32": np.full((10, 3), 1e300),
    "least integers": np.full((10, 3), np.iinfo(np.int64).min),
    "unsigned": np.full((10, 3), np.iinfo(np.uint64).max),
    "subnormal": np.full((10, 3), 5e-324),
}
FILES = {
    "empty.npy": b"",
    "text.npy": b"hello",
    "cut_magic.npy": npy(GOOD)[:5],
    "cut_header.npy": npy(GOOD)[:40],
    "cut_data.npy": npy(GOOD)[:-7],
    "longer.npy": npy(GOOD) + b"more",
    "version_9.npy": b"\x93NUMPY\x09\x00" + npy(GOOD)[8:],
    "pickle.npy": npy(np.array([[object(), 1, 2]], dtype=object), allow_pickle=True),
    "huge.npy": header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 3), }"),
    "negative.npy": header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 3), }"),
    "overflow.npy": header("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 3), }"),
    "no_shape.npy": header("{'descr': '<f4', 'fortran_order': False}"),
    "odd_shape.npy": header("{'descr': '<f4', 'fortran_order': False, 'shape': ('a', 3), }"),
    "odd_type.npy": header("{'descr': 'f999', 'fortran_order': False, 'shape': (1, 3), }"),
    "code.npy": header("__import__('os').system('touch ran')"),
    "deep.npy": header("(" * 500),
    "empty.npz": b"",
    "no_arrays.npz": npz(),
    "two.npz": npz(a=GOOD, b=GOOD),
    "cut.npz": npz(x=GOOD)[:-30],
    "bad_crc.npz": npz(x=GOOD).replace(GOOD.tobytes()[40:48], b"\x01" * 8, 1),
    "objects.npz": npz(x=np.array([None, 1], dtype=object)),
    "npy.npz": npy(GOOD),
    "zip.npy": npz(x=GOOD),
    "empty.wav": b"",
    "riff.wav": b"RIFF",
    "no_chunks.wav": wav(),
    "no_fmt.wav": wav(PCM),
    "no_data.wav": wav(fmt()),
    "no_channels.wav": wav(fmt(channels=0), PCM),
    "no_bits.wav": wav(fmt(bits=0), PCM),
    "no_rate.wav": wav(fmt(rate=0), PCM),
    "bits_7.wav": wav(fmt(bits=7), PCM),
    "bits_128.wav": wav(fmt(bits=128), PCM),
    "mp3.wav": wav(fmt(tag=0x55), PCM),
    "short_fmt.wav": wav(chunk(b"fmt ", b"\x01\x00\x01\x00"), PCM),
    "false_length.wav": wav(fmt(), chunk(b"data", bytes(240), length=1 << 31)),
    "false_size.wav": wav(fmt(), PCM, size=0xFFFFFFFF),
    "odd_length.wav": wav(fmt(), chunk(b"data", bytes(241))),
    "no_samples.wav": wav(fmt(), chunk(b"data", b"")),
    "mono.wav": wav(fmt(channels=1), PCM),
    "other_rate.wav": wav(fmt(rate=8000), PCM),
    "rifx.wav": b"RIFX" + wav(fmt(), PCM)[4:],
    "endless_chunk.wav": wav(fmt(), chunk(b"junk", b"", length=0), chunk(b"data", bytes(240))),
    "good.wav": wav(fmt(), PCM),
    "x.txt": b"1 2 3",
    "x": npy(GOOD),
    "x.NPY": npy(GOOD),
}


@pytest.mark.parametrize("kind", ["float", "fixed"])
def test_arrays(kind, builds, commands, tmp_path):
    results = []
    for what, array in ARRAYS.items():
        np.save(tmp_path / f"{what}.npy", array)
        for raw in ((), ("--raw",)) if kind == "fixed" else ((),):
            arguments = (builds[kind], "--input", f"{what}.npy", "--output", "y.npy", *raw)
            results.append(commands.run("compiler.run", *arguments))
            if results[-1].code != 0:
                assert not (tmp_path / "y.npy").exists(), results[-1]
            else:
                (tmp_path / "y.npy").unlink()
    demand(results, refused=0.4)


@pytest.mark.parametrize("on", ["host", "emulator", "rtl"])
def test_arrays_elsewhere(on, builds, commands, tmp_path):
    """What is special about a place is how it takes samples: none of them, one, and what has no number."""
    results = []
    for what in ("no samples", "no streams", "streams of no samples", "one sample", "NaN", "infinity"):
        np.save(tmp_path / f"{what}.npy", ARRAYS[what])
        arguments = (builds["fpga" if on == "rtl" else "fixed"], "--input", f"{what}.npy", "--output", "y.npy")
        here = commands.run("compiler.run", *arguments, "--on", on, seconds=60, bytes=3 << 30)
        there = commands.run("compiler.run", *arguments, "--on", "reference")
        assert here.code == there.code, f"{here}\n{there}"
        results += [here, there]
    demand(results)


def test_files(builds, commands, tmp_path):
    results = []
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
        results.append(commands.run("compiler.run", builds["float"], "--input", name, "--output", "y.npy"))
    (tmp_path / "folder.npy").mkdir()
    for name in ("folder.npy", "missing.npy", "", ".", "/dev/null", "missing/x.npy", "x.npy\0", "\udcff.npy", "a=b=c"):
        if "\0" not in name:
            results.append(commands.run("compiler.run", builds["float"], "--input", name, "--output", "y.npy"))
    demand(results, refused=0.7)
    assert not (tmp_path / "ran").exists()


def test_broken_samples_at_random(builds, commands, tmp_path):
    """Bytes of good files changed at random."""
    rng = np.random.default_rng(0)
    good = {"npy": npy(GOOD), "npz": npz(x=GOOD), "wav": wav(fmt(), PCM)}
    results = []
    for number in range(60 * TIMES):
        kind = list(good)[number % 3]
        data = bytearray(good[kind])
        for _ in range(rng.integers(1, 4)):
            at = int(rng.integers(min(len(data), 128)))
            data[at] = int(rng.integers(256))
        if rng.random() < 0.3:
            del data[int(rng.integers(len(data))) :]
        (tmp_path / f"x.{kind}").write_bytes(data)
        results.append(commands.run("compiler.run", builds["float"], "--input", f"x.{kind}", "--output", "y.npy"))
    demand(results, refused=0.3)


def test_outputs(builds, commands, tmp_path):
    (tmp_path / "x.npy").write_bytes(npy(GOOD))
    (tmp_path / "folder.npy").mkdir()
    (tmp_path / "file").write_text("in the way")
    results = []
    for y in ("folder.npy", "file/y.npy", "y.txt", "y", "", ".", "/dev/null/y.npy", "-y.npy", "x.npy", "deep/er/y.npy"):
        results.append(commands.run("compiler.run", builds["float"], "--input", "x.npy", f"--output={y}"))
    demand(results, refused=0.5)
    (tmp_path / "x.npy").write_bytes(npy(GOOD))
    (tmp_path / "old.npy").write_bytes(npy(GOOD[:5]))
    full = commands.run("compiler.run", builds["float"], "--input", "x.npy", "--output", "old.npy", largest_file=100)
    demand([full], refused=1)
    assert (tmp_path / "old.npy").read_bytes() == npy(GOOD[:5]), "an older output was lost"
    assert zipfile.is_zipfile(tmp_path / "x.npy") is False
