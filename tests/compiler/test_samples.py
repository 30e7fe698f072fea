"""What --input and --output take: damaged files, rates, knobs as numbers, and what is written."""

import io
import struct
import zipfile

import numpy as np
import pytest
from scipy.io import wavfile

from compiler import CompileError, samples, wav
from compiler.ir.graph import Graph
from compiler.ir.ops import Unary
from compiler.ir.values import Value

RATE = 48_000


def graph(*inputs, mode="stream", controls=()):
    """A graph that takes (name, shape) each."""
    values = tuple(Value(name, shape, name) for name, shape in inputs)
    y = Value("y", values[0].shape, "y")
    return Graph("net", mode, values, (y,), (Unary(inputs=values[:1], output=y, function="relu"),), controls=controls)


AUDIO = graph(("audio", (1,)))
AMP = graph(("audio", (1,)), ("knobs", (2,)), controls=("knobs",))


def fmt(kind=1, channels=1, rate=RATE, frame=2, bits=16):
    return chunk(b"fmt ", struct.pack("<HHIIHH", kind, channels, rate, rate * frame, frame, bits))


def chunk(name, contents, length=None):
    return name + struct.pack("<I", len(contents) if length is None else length) + contents


def riff(*chunks):
    return b"RIFF" + struct.pack("<I", 4 + sum(map(len, chunks))) + b"WAVE" + b"".join(chunks)


DATA = chunk(b"data", bytes(8))
WAVS = {
    "empty": (b"", "does not begin with RIFF"),
    "text": (b"hello " * 20, "does not begin with RIFF"),
    "no fmt": (riff(DATA), "no 'fmt' before 'data'"),
    "fmt behind": (riff(DATA, fmt()), "no 'fmt' before 'data'"),
    "short fmt": (riff(chunk(b"fmt ", bytes(6)), DATA), "has 6 bytes"),
    "no data": (riff(fmt()), "no part 'data'"),
    "no channels": (riff(fmt(channels=0, frame=0), DATA), "0 channels"),
    "no bits": (riff(fmt(bits=0, frame=0), DATA), "0 bits"),
    "no rate": (riff(fmt(rate=0), DATA), "0 samples a second"),
    "false frame": (riff(fmt(frame=4), DATA), "are not 4 bytes"),
    "half a sample": (riff(fmt(), chunk(b"data", bytes(7))), "no whole number of samples"),
    "cut": (riff(fmt(), chunk(b"data", bytes(8), 8000)), "claims 8,000 bytes, and the file ends after 8"),
    "endless": (riff(fmt(), chunk(b"data", bytes(8), 2**32 - 1)), "claims 4,294,967,295 bytes"),
    "cut before": (riff(chunk(b"LIST", bytes(8), 9999)), "part 'LIST' claims"),
    "mp3 inside": (riff(fmt(kind=0x55), DATA), "not read (format 85"),
}


@pytest.mark.parametrize("case", WAVS)
def test_a_damaged_wav_is_told_what_is_wrong_with_it(case, tmp_path):
    data, message = WAVS[case]
    (tmp_path / "x.wav").write_bytes(data)
    with pytest.raises(CompileError) as caught:
        samples.load([str(tmp_path / "x.wav")], AUDIO, RATE)
    assert message in caught.value.what
    assert caught.value.file.endswith("x.wav")


@pytest.mark.parametrize("kind", ["u1", "<i2", "<i4", "<f4", "<f8"])
def test_wavs_are_read_as_scipy_reads_them(kind, tmp_path):
    whole = np.dtype(kind).kind in "iu"
    x = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    limits = np.iinfo(kind) if whole else None
    x = (x * limits.max / 2 + (limits.max // 4 if kind == "u1" else 0)).astype(kind) if whole else x.astype(kind)
    wavfile.write(tmp_path / "x.wav", 44_100, x)
    y, rate = wav.read(tmp_path / "x.wav")
    middle, full = {"u1": (128, 128)}.get(kind, (0, 1.0 + limits.max if whole else 1.0))
    assert rate == 44_100
    assert np.array_equal(y, ((x.astype(np.float64) - middle) / full).astype(np.float32))


def test_24_bits_and_a_chunk_of_odd_length():
    integers = np.array([0, 1, -1, 2**23 - 1, -(2**23)], np.int64)
    data = b"".join(int(n).to_bytes(3, "little", signed=True) for n in integers)
    extensible = struct.pack("<HHIIHHHHI", 0xFFFE, 1, RATE, 3 * RATE, 3, 24, 22, 24, 4) + struct.pack("<H14x", 1)
    file = riff(chunk(b"LIST", b"odd\0"[:3]) + b"\0", chunk(b"fmt ", extensible), chunk(b"data", data))
    layout, contents = wav._parse(file)
    assert np.array_equal(wav._decode(layout, contents)[:, 0], np.float32(integers / 2**23))


def test_a_written_wav_is_read_by_scipy(tmp_path):
    y = np.random.default_rng(0).normal(size=(31, 3)).astype(np.float32)
    samples.save(tmp_path / "y.wav", y, 44_100)
    rate, again = wavfile.read(tmp_path / "y.wav")
    assert rate == 44_100
    assert np.array_equal(again, y)


def npy(x):
    file = io.BytesIO()
    np.save(file, x)
    return file.getvalue()


def header(text):
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


X = np.ones((4, 1), np.float32)
NPYS = {
    "empty": (b"", "is no .npy file"),
    "text": (b"hello " * 20, "is no .npy file"),
    "cut header": (npy(X)[:40], "is no .npy file"),
    "broken header": (header("{'descr': '<f4', 'fortran_order': False, 'shape': (4, "), "header is damaged"),
    "code": (header("__import__('os').abort()"), "header is damaged"),
    "nested": (header("(" * 5000 + ")" * 5000), "header is damaged"),
    "cut": (npy(X)[:-3], "promises 4 x 1 numbers, 16 bytes, and 13 bytes follow"),
    "huge": (header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 1)}"), "8,000,000,000,000"),
    "negative": (header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 1)}"), "holds no real numbers"),
    "objects": (header("{'descr': '|O', 'fortran_order': False, 'shape': (4, 1)}") + bytes(32), "no real numbers"),
    "text inside": (npy(np.array(["a"])), "holds no real numbers"),
    "complex": (npy(X + 1j), "holds no real numbers"),
}


@pytest.mark.parametrize("case", NPYS)
@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_a_damaged_npy_is_told_before_anything_is_allocated(case, kind, tmp_path):
    data, message = NPYS[case]
    path = tmp_path / f"x.{kind}"
    if kind == "npz":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.npy", data)
    else:
        path.write_bytes(data)
    with pytest.raises(CompileError) as caught:
        samples.load([str(path)], AUDIO, RATE)
    assert message in caught.value.what
    assert caught.value.file.startswith(str(path))


def zipped(compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("x.npy", npy(X))
    return bytearray(file.getvalue())


def flipped(data, at):
    data[at] ^= 1
    return data


def lying():
    """An archive that promises a terabyte."""
    data = zipped(zipfile.ZIP_DEFLATED)
    at = data.index(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<I", 2**32 - 2)
    return data


NPZS = {
    "empty": b"",
    "text": b"hello " * 20,
    "cut": zipped()[:-30],
    "bad crc": flipped(zipped(), zipped().index(X.tobytes())),
    "bad deflate": flipped(zipped(zipfile.ZIP_DEFLATED), 40),
    "encrypted": flipped(zipped(), zipped().index(b"PK\1\2") + 8),
    "strange compression": flipped(zipped(), zipped().index(b"PK\1\2") + 10),
    "too much promised": lying(),
}


@pytest.mark.parametrize("case", NPZS)
def test_a_damaged_npz_is_named(case, tmp_path):
    path = tmp_path / "x.npz"
    path.write_bytes(bytes(NPZS[case]))
    with pytest.raises(CompileError) as caught:
        samples.load([str(path)], AUDIO, RATE)
    assert "damaged" in caught.value.what
    assert caught.value.file.startswith(str(path))


def test_fortran_order_and_big_endian(tmp_path):
    x = np.asfortranarray(np.arange(12.0).reshape(6, 2)).astype(">f8")
    np.save(tmp_path / "x.npy", np.asfortranarray(x))
    assert np.array_equal(samples.read(tmp_path / "x.npy")[0], x)


@pytest.fixture
def mono(tmp_path):
    """A .wav of half a second at 44.1 kHz."""
    path = tmp_path / "x.wav"
    wav.write(path, np.sin(np.arange(22_050) * (2 * np.pi * 441 / 44_100))[:, None].astype(np.float32), 44_100)
    return path


def test_a_wav_of_another_rate_is_refused_or_resampled(mono):
    with pytest.raises(CompileError) as caught:
        samples.load([str(mono)], AUDIO, RATE)
    assert "44,100" in caught.value.what
    assert "48,000" in caught.value.what
    assert "--sample-rate 44100" in caught.value.hint
    assert "--resample" in caught.value.hint
    (x,), rate, length = samples.load([str(mono)], AUDIO, RATE, resample=True)
    assert (x.shape, x.dtype, rate) == ((24_000, 1), np.float32, 44_100)
    ideal = np.sin(np.arange(24_000) * (2 * np.pi * 441 / RATE))
    assert np.abs(x[1000:-1000, 0] - ideal[1000:-1000]).max() < 1e-3
    y = samples.back(x, AUDIO, RATE, rate, length)
    assert y.shape == (22_050, 1)
    assert np.abs(y - wav.read(mono)[0])[1000:-1000].max() < 1e-3
    both = samples.back({"y": x[None]}, AUDIO, RATE, rate, length)
    assert both["y"].shape == (1, 22_050, 1)


@pytest.mark.parametrize("rate", [8_000, 44_100, 47_999, 96_000, 192_000])
def test_there_and_back_a_wav_is_as_long_as_it_was(rate, tmp_path):
    for length in (1, 2, 99, 100, 101):
        wav.write(tmp_path / "x.wav", np.ones((length, 1), np.float32), rate)
        (x,), *source = samples.load([str(tmp_path / "x.wav")], AUDIO, RATE, resample=True)
        assert source == [rate, length]
        assert samples.back(x, AUDIO, RATE, *source).shape == (length, 1)


def test_a_wav_of_the_builds_rate_keeps_it(mono):
    (x,), rate, length = samples.load([str(mono)], AUDIO, 44_100)
    assert (len(x), rate, length) == (22_050, 44_100, 22_050)


def test_too_few_channels_name_both_and_say_how_to_give_knobs(mono):
    with pytest.raises(CompileError) as caught:
        samples.load([str(mono)], graph(("audio", (3,))), 44_100)
    assert "1 channel, and input 'audio' takes 3" in caught.value.what
    assert f"--input {mono},0.5,0.5" in caught.value.hint
    stereo = mono.with_name("stereo.wav")
    wav.write(stereo, np.zeros((5, 2), np.float32), RATE)
    with pytest.raises(CompileError, match="2 channels, and input 'audio' takes 1"):
        samples.load([str(stereo)], AUDIO, RATE)


def test_knobs_are_numbers(mono):
    (x, knobs), *_ = samples.load([f"audio={mono}", "knobs=0.3,-7"], AMP, 44_100)
    assert np.array_equal(knobs, [0.3, -7])
    assert x.shape == (22_050, 1)
    (_, in_order), *_ = samples.load([str(mono), "0.3,-7"], AMP, 44_100)
    assert np.array_equal(in_order, knobs)
    (x,), *_ = samples.load([f"{mono},0.25,1e-3"], graph(("audio", (3,))), 44_100)
    assert np.array_equal(x[:, 0], wav.read(mono)[0][:, 0])
    assert (x[:, 1:] == [0.25, 1e-3]).all()
    with_time = graph(("audio", (1,)), ("knobs", (2,)))
    (_, laid), *_ = samples.load([f"audio={mono}", "knobs=1,2"], with_time, 44_100)
    assert laid.dtype.kind == "i"
    assert laid.shape == (22_050, 2)
    assert (laid == [1, 2]).all()
    (one,), *_ = samples.load(["0.5"], AUDIO, RATE)
    assert np.array_equal(one, [[0.5]])
    (frame,), *_ = samples.load(["1,2,3,4"], graph(("x", (2, 2)), mode="frame"), RATE)
    assert np.array_equal(frame, [[1, 2], [3, 4]])


def test_a_file_whose_name_looks_like_numbers_or_a_name_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("a=b,1.npy", X)
    (x,), *_ = samples.load(["a=b,1.npy"], AUDIO, RATE)
    assert np.array_equal(x, X)


@pytest.mark.parametrize(
    ("arguments", "net", "message"),
    [
        (["audio={x}", "knobs=1"], AMP, "1 number, and input 'knobs' takes 2"),
        (["audio={x}", "knobs=1,nan"], AMP, "no number that an input can have"),
        (["audio={x}", "knobs=1,two"], AMP, "'two' is no number"),
        (["audio={x}", "audio={x}"], AMP, "given twice"),
        (["audio={x}", "nob=1,2"], AMP, "inputs named audio, nob do not fit"),
        (["{x}"], AMP, "--input gives 1 input, and the model takes 2"),
        (["missing.npy"], AUDIO, "no such file"),
        (["missing"], AUDIO, "is neither .npy, .npz nor .wav"),
    ],
)
def test_what_does_not_fit_is_named(arguments, net, message, tmp_path):
    np.save(tmp_path / "x.npy", X)
    with pytest.raises(CompileError) as caught:
        samples.load([text.format(x=tmp_path / "x.npy") for text in arguments], net, RATE)
    assert message in str(caught.value)


def test_a_failed_write_leaves_the_older_file(tmp_path):
    (tmp_path / "real.wav").write_bytes(b"older")
    (tmp_path / "y.wav").symlink_to("real.wav")
    with pytest.raises(CompileError, match="cannot hold"):
        samples.save(tmp_path / "y.wav", np.zeros((1, 2**14), np.float32), RATE)
    assert (tmp_path / "real.wav").read_bytes() == b"older"
    samples.save(tmp_path / "y.wav", X, RATE)
    assert (tmp_path / "y.wav").is_symlink()
    assert np.array_equal(wav.read(tmp_path / "real.wav")[0], X)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["real.wav", "y.wav"]


def test_an_output_is_checked_before_it_is_computed(tmp_path):
    (tmp_path / "file").write_text("")
    for name, outputs, message in (
        ("y.mp3", ("y",), "is neither"),
        ("y.npy", ("a", "b"), "cannot hold 2 outputs"),
        ("all.npy", None, "cannot hold what every layer computes"),
        ("file/y.npy", ("y",), "cannot be written"),
    ):
        with pytest.raises(CompileError, match=message):
            samples.check_output(tmp_path / name, outputs)


def test_a_rate_that_a_wav_cannot_say_is_one_sentence(tmp_path):
    with pytest.raises(CompileError, match="cannot hold"):
        samples.save(tmp_path / "y.wav", np.zeros((3, 1), np.float32), 2_000_000_000)
    assert not list(tmp_path.iterdir())
