"""The runtime's C, function by function, against numpy, and against fxpmath and CMSIS-DSP's Python package."""

import ctypes

import numpy as np
import pytest
from mcu_tools import pointer, shared_library

from compiler.ir import numerics
from compiler.ir.numerics import ROUNDINGS, Format
from compiler.mcu.packing import pack

C_ROUNDING = {"half_even": 0, "half_up": 1, "floor": 2}

LIBRARY = """
#include "nn_convert.h"
#include "nn_functions.h"
#include "nn_kernels_c.h"
#include "nn_kernels_fixed_c.h"
#include "nn_quantize.h"
#include "nn_ring.h"
#include "nn_sums.h"

void requantize_i32(int32_t *y, const int32_t *x, size_t count, int shift, int rounding, int32_t lo, int32_t hi)
{
    for (size_t i = 0; i < count; i++) {
        y[i] = nn_requantize_i32(x[i], shift, (nn_rounding)rounding, lo, hi);
    }
}

void requantize_i64(int64_t *y, const int64_t *x, size_t count, int shift, int rounding, int64_t lo, int64_t hi)
{
    for (size_t i = 0; i < count; i++) {
        y[i] = nn_requantize_i64(x[i], shift, (nn_rounding)rounding, lo, hi);
    }
}

#define SUM_OF(name, from, to) \\
    void sum_##name(to *y, const from *x, size_t count, to factor, to other) \\
    { \\
        nn_set_##name(y, x, count, factor); \\
        nn_add_##name(y, x, count, other); \\
    }
void extremes(int16_t *most, int16_t *least, const int16_t *a, const int16_t *b, size_t count)
{
    nn_maximum_i16(most, a, b, count);
    nn_minimum_i16(least, a, b, count);
    nn_maximum_i16(least, least, least, count);
}

SUM_OF(i16_to_i32, int16_t, int32_t)
SUM_OF(i32_to_i32, int32_t, int32_t)
SUM_OF(i16_to_i64, int16_t, int64_t)
SUM_OF(i32_to_i64, int32_t, int64_t)
SUM_OF(i64_to_i64, int64_t, int64_t)

void quantize_f32(float *y, const float *x, size_t count, float steps, int rounding, float lo, float hi)
{
    nn_quantize_f32(y, x, count, steps, 1.0f / steps, (nn_rounding)rounding, lo, hi);
}

void unary_f32(float *y, const float *x, size_t count, int function)
{
    for (size_t i = 0; i < count; i++) {
        nn_function *const functions[] = {nn_linear, nn_relu, nn_tanh, nn_sigmoid};
        y[i] = functions[function](x[i]);
    }
}

void product_f32(float *y, const float *x, const float *w, const float *b, size_t in, size_t out)
{
    nn_product_f32(y, x, w, b, in, out, nn_linear);
}

void product_i32(int32_t *y, const int16_t *x, const int16_t *w, const int32_t *b, size_t in, size_t out)
{
    nn_product_raw_i32(y, x, w, b, in, out);
}

void product_i64(int64_t *y, const int16_t *x, const int16_t *w, const int64_t *b, size_t in, size_t out)
{
    nn_product_raw_i64(y, x, w, b, in, out);
}

/* Every window of a stream of 32-bit numbers, one ring of one length for all of it. */
void windows(float *y, const float *x, float *ring, size_t samples, size_t length, size_t channels, size_t taps,
             size_t dilation, const float *initial)
{
    uint32_t at;
    nn_ring_fill_f32(ring, &at, initial, length, channels);
    for (size_t i = 0; i < samples; i++, x += channels, y += taps * channels) {
        nn_ring_gather_f32(y, ring, at, x, length, channels, taps, dilation);
        nn_ring_push_f32(ring, &at, x, length, channels);
    }
}

void to_i16(int16_t *y, const float *x, size_t count, int fraction)
{
    for (size_t i = 0; i < count; i++) {
        y[i] = nn_f32_to_i16(x[i], fraction);
    }
}

void to_f32(float *y, const int16_t *x, size_t count, int fraction)
{
    for (size_t i = 0; i < count; i++) {
        y[i] = nn_i16_to_f32(x[i], fraction);
    }
}

void to_i24(uint8_t *y, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        nn_f32_to_i24(y + 3 * i, x[i]);
    }
}

void from_i24(float *y, const uint8_t *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        y[i] = nn_i24_to_f32(x + 3 * i);
    }
}

void i24_to_i16(int16_t *y, const uint8_t *x, size_t count, int fraction)
{
    for (size_t i = 0; i < count; i++) {
        y[i] = nn_i24_to_i16(x + 3 * i, fraction);
    }
}

void i16_to_i24(uint8_t *y, const int16_t *x, size_t count, int fraction)
{
    for (size_t i = 0; i < count; i++) {
        nn_i16_to_i24(y + 3 * i, x[i], fraction);
    }
}
"""


@pytest.fixture(scope="module")
def c(tmp_path_factory):
    return shared_library(tmp_path_factory.mktemp("runtime"), LIBRARY, "-fsanitize=undefined", "-fno-sanitize-recover")


def call(function, x, *arguments, out=None, shape=None):
    """y = function(x): the arrays, the count, and the rest."""
    x = np.ascontiguousarray(x)
    y = np.zeros(x.shape if shape is None else shape, out or x.dtype)
    function(pointer(y), pointer(x), ctypes.c_size_t(len(x)), *arguments)
    return y


def ties_and_extremes(bits, shift, half, seed=0):
    """Integers at and beside every kind of tie, the ends of the range that leaves room for the half, and noise."""
    top = (1 << (bits - 1)) - 1 - half
    ends = [-(1 << (bits - 1)), top]
    random = np.random.default_rng(seed)
    noise = random.integers(ends[0], top, 500, endpoint=True).tolist()
    unit = 1 << max(shift - 1, 0)
    ties = [k * unit + d for k in (*range(-9, 10), top // unit, ends[0] // unit) for d in (-1, 0, 1)]
    return [value for value in {*noise, *ends, *ties} if ends[0] <= value <= top]


def test_extremes(c):
    ends = np.array([-32768, -1, 0, 1, 32767], np.int16)
    a, b = np.repeat(ends, 5), np.tile(ends, 5)
    most, least = np.zeros_like(a), np.zeros_like(a)
    c.extremes(pointer(most), pointer(least), pointer(a), pointer(b), ctypes.c_size_t(len(a)))
    assert (most == np.maximum(a, b)).all()
    assert (least == np.minimum(a, b)).all()


@pytest.mark.parametrize("given", [16, 32, 64])
@pytest.mark.parametrize("made", [32, 64])
def test_sums(c, given, made):
    """Each term as far to the left as its accumulator goes."""
    if given > made:
        return
    to, bound = (np.int32, ctypes.c_int32) if made == 32 else (np.int64, ctypes.c_int64)
    for bits in (1, 2, given // 2, given):
        shift = min(made - bits, 62 if made == 64 else 30)
        lo, hi = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        x = np.array([lo, hi, 0, lo // 2, hi // 2], f"int{given}")
        for sign in (1, -1):
            if sign == -1 and shift == made - bits:
                x = np.maximum(x, lo + 1)
            y = call(getattr(c, f"sum_i{given}_to_i{made}"), x, bound(sign << shift), bound(0), out=to)
            assert y.tolist() == [sign * n * 2**shift for n in x.tolist()]
        y = call(getattr(c, f"sum_i{given}_to_i{made}"), x, bound(1 << shift), bound(-(1 << shift)), out=to)
        assert not y.any()


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("bits", [32, 64])
def test_requantize(c, bits, rounding):
    dtype, bound = (np.int32, ctypes.c_int32) if bits == 32 else (np.int64, ctypes.c_int64)
    function = c.requantize_i32 if bits == 32 else c.requantize_i64
    for shift in (1, 2, 3, 7, 12, 15, 16, 23, 30, *((31, 40, 62) if bits == 64 else ())):
        x = np.array(ties_and_extremes(bits, shift, numerics.rounding_half(shift, rounding)), dtype)
        for lo, hi in ((-32768, 32767), (0, 32767), (-128, 127), (0, 127), (-5, 1000), (-(1 << 31), (1 << 31) - 1)):
            y = call(function, x, shift, C_ROUNDING[rounding], bound(lo), bound(hi))
            expected = numerics.requantize(x.astype(np.int64), shift, rounding, lo, hi)
            np.testing.assert_array_equal(y, expected, f"shift {shift}, [{lo}, {hi}]")
    for shift in (0, -1, -5, -15):
        x = np.arange(-300, 300, 7).astype(dtype)
        y = call(function, x, shift, C_ROUNDING[rounding], bound(-32768), bound(32767))
        np.testing.assert_array_equal(y, numerics.requantize(x.astype(np.int64), shift, rounding, -32768, 32767))


def test_requantize_against_fxpmath(c):
    """fxpmath calls half to even 'around', towards minus infinity 'floor'; half up is a floor after half a step."""
    from fxpmath import Fxp

    x = np.array([v for v in ties_and_extremes(32, 8, 128) if abs(v) < 1 << 24], np.int32)
    for rounding, theirs, half in (("half_even", "around", 0), ("floor", "floor", 0), ("half_up", "floor", 0.5)):
        y = call(c.requantize_i32, x, 8, C_ROUNDING[rounding], -32768, 32767)
        witness = Fxp(x / 256.0 + half, True, 16, 0, rounding=theirs, overflow="saturate")
        np.testing.assert_array_equal(y, witness.val.astype(np.int64), rounding)


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_quantize_in_float(c, rounding):
    random = np.random.default_rng(1)
    halves = (np.arange(-40, 41) / 2).astype(np.float32)
    x = np.concatenate([halves, np.nextafter(halves, np.float32(9e9)), np.nextafter(halves, np.float32(-9e9))])
    x = np.concatenate(
        [x / 4096, random.uniform(-9, 9, 500), [1e30, -1e30, np.inf, -np.inf, np.nan, 0.49999997 / 4096]]
    )
    x = x.astype(np.float32)
    for lo, hi in ((-32768, 32767), (0, 32767), (-16, 15)):
        y = call(c.quantize_f32, x, *map(ctypes.c_float, (4096,)), C_ROUNDING[rounding], *map(ctypes.c_float, (lo, hi)))
        expected = numerics.quantize(x, Format(True, 16, 12), rounding, lo, hi) / 4096
        np.testing.assert_array_equal(y, expected.astype(np.float32))


def test_activations(c):
    x = np.concatenate([np.linspace(-20, 20, 401), [-1e4, 1e4, -100, 100, 0, -0.0, np.inf, -np.inf]]).astype(np.float32)
    wide = x.astype(np.float64)
    np.testing.assert_array_equal(call(c.unary_f32, x, 0), x)
    np.testing.assert_array_equal(call(c.unary_f32, x, 1), np.maximum(x, 0))
    np.testing.assert_allclose(call(c.unary_f32, x, 2), np.tanh(wide), rtol=3e-7)
    expected = np.where(wide >= 0, 1 / (1 + np.exp(-np.abs(wide))), np.exp(-np.abs(wide)) / (1 + np.exp(-np.abs(wide))))
    # Below the least normal number the result may be 0.
    np.testing.assert_allclose(call(c.unary_f32, x, 3), expected, rtol=5e-7, atol=2.0**-126)
    assert call(c.unary_f32, np.array([np.nan], np.float32), 1)[0] == 0


@pytest.mark.parametrize("taps", [1, 2, 3, 4, 5, 20])
@pytest.mark.parametrize("dilation", [1, 2, 3, 7])
def test_rings(c, taps, dilation):
    random = np.random.default_rng(taps)
    for channels in (1, 2, 5):
        reach = (taps - 1) * dilation
        x, initial = (
            random.normal(size=(50, channels)).astype(np.float32),
            random.normal(size=channels).astype(np.float32),
        )
        for length in (max(reach, 1), reach + 3):
            y, ring = np.zeros((50, taps, channels), np.float32), np.zeros(length * channels, np.float32)
            sizes = map(ctypes.c_size_t, (50, length, channels, taps, dilation))
            c.windows(pointer(y), pointer(x), pointer(ring), *sizes, pointer(initial))
            past = np.concatenate([np.tile(initial, (reach, 1)), x])
            expected = np.stack([past[k * dilation : k * dilation + 50] for k in range(taps)], 1)
            np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("kind", ["f32", "i32", "i64"])
def test_products(c, kind):
    random = np.random.default_rng(2)
    dtype, accumulator, ctype = {
        "f32": (np.float32, np.float32, "float"),
        "i32": (np.int16, np.int32, "int32_t"),
        "i64": (np.int16, np.int64, "int64_t"),
    }[kind]
    for rows in (1, 2, 3, 8, 17):
        for columns in (1, 2, 3, 4, 5, 7, 8, 9, 17):
            small = 1 << (15 if kind == "i64" else 12)
            x = random.integers(-small, small, rows).astype(dtype)
            w = random.integers(-small, small, (rows, columns))
            if kind == "i64":
                w[:], x[:] = -small, -small  # the largest products there are
            b = random.integers(-small, small, columns).astype(accumulator)
            y, packed = np.zeros(columns, accumulator), pack(w, ctype, "c").astype(dtype)
            getattr(c, f"product_{kind}")(*map(pointer, (y, x, packed, b)), *map(ctypes.c_size_t, (rows, columns)))
            expected = x.astype(np.int64) @ w + b.astype(np.int64)
            np.testing.assert_allclose(y, expected, rtol=1e-5 if kind == "f32" else 0)


def test_cmsis_products_are_those_of_its_python_package(tmp_path):
    import cmsisdsp

    from compiler.mcu.cmsis import SOURCES, files

    text = """
#include "nn_kernels_cmsis.h"
void product(float *y, const float *x, const float *w, const float *b, size_t in, size_t out);
void product(float *y, const float *x, const float *w, const float *b, size_t in, size_t out)
{
    nn_product_cmsis_f32(y, x, w, b, in, out, nn_linear);
}
"""
    (tmp_path / "product.c").write_text(text)
    library = tmp_path / "product.so"
    from mcu_tools import RUNTIME, compile_c

    for name, contents in files([*SOURCES]).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(contents)
    flags = ["-std=c99", "-O2", "-ffp-contract=off", "-shared", "-fPIC", f"-I{RUNTIME}", f"-I{tmp_path}"]
    compile_c(*flags, tmp_path / "product.c", "-o", library, "-lm")
    product = ctypes.CDLL(str(library)).product
    random = np.random.default_rng(3)
    for rows, columns in ((1, 1), (3, 5), (12, 4), (16, 8), (33, 7)):
        w, x = random.normal(size=(rows, columns)).astype(np.float32), random.normal(size=rows).astype(np.float32)
        b, y = np.zeros(columns, np.float32), np.zeros(columns, np.float32)
        packed = np.ascontiguousarray(pack(w, "float", "cmsis"))
        product(*map(pointer, (y, x, packed, b)), *map(ctypes.c_size_t, (rows, columns)))
        np.testing.assert_allclose(y, cmsisdsp.arm_mat_vec_mult_f32(w.T.copy(), x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("fraction", [-2, 0, 12, 15, 20])
def test_floats_and_16_bits(c, fraction):
    random = np.random.default_rng(4)
    x = random.uniform(-1.2, 1.2, 300) * 2.0 ** (15 - fraction)
    x = np.concatenate([x, (np.arange(-9, 9) / 2) * 2.0**-fraction, [np.nan, np.inf, -np.inf, 3e38, -3e38]])
    x = x.astype(np.float32)
    y = call(c.to_i16, x, fraction, out=np.int16)
    np.testing.assert_array_equal(y, numerics.quantize(x, Format(True, 16, fraction)))
    every = np.arange(-32768, 32768).astype(np.int16)
    back = call(c.to_f32, every, fraction, out=np.float32)
    np.testing.assert_array_equal(back, every * 2.0**-fraction)
    np.testing.assert_array_equal(call(c.to_i16, back, fraction, out=np.int16), every)


def test_24_bits(c):
    integers = np.array([0, 1, -1, 8388607, -8388608, 1234567, -7654321])
    packed = (integers[:, None] >> np.array([0, 8, 16]) & 255).astype(np.uint8)
    real = call(c.from_i24, packed, shape=len(packed), out=np.float32)
    np.testing.assert_array_equal(real, integers / 8388608)
    np.testing.assert_array_equal(call(c.to_i24, real, shape=packed.shape, out=np.uint8), packed)
    loud = call(c.to_i24, np.array([1.5, -1.5, np.nan, np.inf], np.float32), shape=(4, 3), out=np.uint8)
    assert loud.tolist() == [[255, 255, 127], [0, 0, 128], [0, 0, 0], [255, 255, 127]]
    for fraction in (12, 15):
        y = call(c.i24_to_i16, packed, fraction, shape=len(packed), out=np.int16)
        np.testing.assert_array_equal(y, numerics.quantize(integers / 8388608, Format(True, 16, fraction)))
        back = call(c.i16_to_i24, y, fraction, shape=packed.shape, out=np.uint8)
        again = call(c.i24_to_i16, back, fraction, shape=len(packed), out=np.int16)
        np.testing.assert_array_equal(again[np.abs(y) < (1 << fraction)], y[np.abs(y) < (1 << fraction)])
