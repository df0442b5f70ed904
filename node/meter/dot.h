#ifndef NODE_METER_DOT_H
#define NODE_METER_DOT_H

/* C = A B of bytes by dot products, as neural networks in eight bits do it: A
 * of u8, B of s8, C of s32. B comes turned over, so that both sides of a dot
 * product lie in a row. The widest instructions that the processor has are
 * used (VNNI, AVX2, or what the compiler makes of plain C). */

#include <stdint.h>

/* n is a multiple of 16; c[i * n + j] = sum over k of a[i * n + k] *
 * b_turned[j * n + k]. */
void dot_gemm(uint32_t n, const uint8_t *a, const int8_t *b_turned, int32_t *c);
/* In place. */
void dot_turn(uint32_t n, int8_t *b);
/* "avx512-vnni", "avx2", "plain". */
const char *dot_means(void);

#endif
