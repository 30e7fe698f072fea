/* Gives back the names that nn_cmsis_begin.h has borrowed. No include guard. */
/* SPDX-License-Identifier: 0BSD */
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#pragma pop_macro("ARM_DSP_ATTRIBUTE")
#pragma pop_macro("ARM_MATH_DSP")
#pragma pop_macro("ARM_MATH_LOOPUNROLL")
#pragma pop_macro("ARM_MATH_MVEF")
#pragma pop_macro("ARM_MATH_MVEI")
#pragma pop_macro("ARM_MATH_NEON")
#pragma pop_macro("__SMLALD")
#pragma pop_macro("arm_dot_prod_q15")
#pragma pop_macro("arm_mat_vec_mult_f32")
#pragma pop_macro("arm_matrix_instance_f32")
#pragma pop_macro("float32_t")
#pragma pop_macro("q15_t")
#pragma pop_macro("q31_t")
#pragma pop_macro("q63_t")
#pragma pop_macro("read_q15x2_ia")
