/* What CMSIS-DSP's vector functions need, before nn_kernels_cmsis.h includes their sources. No include guard. */
/* SPDX-License-Identifier: 0BSD */
/*
   The sources under cmsis_dsp/ are Arm's, unchanged. Here they become static functions of the file that includes
   them, and every name they use is one of ours meanwhile: a program may hold any number of builds, CMSIS-Core and
   another CMSIS-DSP of any version, included before or after, and none of them sees the other.
*/
#pragma push_macro("ARM_DSP_ATTRIBUTE")
#pragma push_macro("ARM_MATH_DSP")
#pragma push_macro("ARM_MATH_LOOPUNROLL")
#pragma push_macro("ARM_MATH_MVEF")
#pragma push_macro("ARM_MATH_MVEI")
#pragma push_macro("ARM_MATH_NEON")
#pragma push_macro("__SMLALD")
#pragma push_macro("arm_dot_prod_q15")
#pragma push_macro("arm_mat_vec_mult_f32")
#pragma push_macro("arm_matrix_instance_f32")
#pragma push_macro("float32_t")
#pragma push_macro("q15_t")
#pragma push_macro("q31_t")
#pragma push_macro("q63_t")
#pragma push_macro("read_q15x2_ia")
#undef ARM_DSP_ATTRIBUTE
#undef ARM_MATH_DSP
#undef ARM_MATH_LOOPUNROLL
#undef ARM_MATH_MVEF
#undef ARM_MATH_MVEI
#undef ARM_MATH_NEON
#undef __SMLALD
#undef arm_dot_prod_q15
#undef arm_mat_vec_mult_f32
#undef arm_matrix_instance_f32
#undef float32_t
#undef q15_t
#undef q31_t
#undef q63_t
#undef read_q15x2_ia

/* These functions may join a product and a sum into one instruction where the machine has one, as NN_MADD does for
   the rest; -ffp-contract=off otherwise forbids it to the whole file. */
#if !defined(__GNUC__)
#define ARM_DSP_ATTRIBUTE static
#elif defined(__ARM_FEATURE_FMA) && !defined(__clang__)
#define ARM_DSP_ATTRIBUTE static __attribute__((unused, optimize("fp-contract=fast")))
#else
#define ARM_DSP_ATTRIBUTE static __attribute__((unused))
#endif

/* Four terms a turn of each loop: fewer instructions, the same order of terms. */
#define ARM_MATH_LOOPUNROLL

#define arm_dot_prod_q15 nn_cmsis_dot_i16
#define arm_mat_vec_mult_f32 nn_cmsis_product_f32
#define arm_matrix_instance_f32 nn_cmsis_matrix_f32
#define float32_t float
#define q15_t int16_t
#define q31_t int32_t
#define q63_t int64_t

#if defined(__ARM_FEATURE_SIMD32)
#define ARM_MATH_DSP
#define __SMLALD(x, y, sum) __smlald((int16x2_t)(x), (int16x2_t)(y), (sum))
#define read_q15x2_ia nn_cmsis_pair
#endif

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#endif
