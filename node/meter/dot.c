#include "node/meter/dot.h"

#include <stddef.h>

#if defined(__GNUC__) && defined(__x86_64__)
#define TARGETS 1
/* gcc keeps to half the width unless told. */
#ifdef __clang__
#define VNNI "avx512f,avx512bw,avx512vl,avx512vnni"
#else
#define VNNI "avx512f,avx512bw,avx512vl,avx512vnni,prefer-vector-width=512"
#endif
#else
#define TARGETS 0
#endif

/* Rows of A and of B turned over that a block takes at a time: a block of B
 * stays in the second cache while the rows of A pass. */
#define TILE  4u
#define BLOCK 128u

#define INLINE static inline __attribute__((always_inline))

/* Sixteen dot products at once: each row that is loaded serves four. */
INLINE void tile(uint32_t n, const uint8_t *x, const int8_t *y, int32_t *c)
{
    int32_t s[TILE][TILE] = {{0}};
    for (uint32_t k = 0; k < n; k++) {
        for (uint32_t p = 0; p < TILE; p++) {
            for (uint32_t q = 0; q < TILE; q++)
                s[p][q] += x[(size_t)p * n + k] * y[(size_t)q * n + k];
        }
    }
    for (uint32_t p = 0; p < TILE; p++) {
        for (uint32_t q = 0; q < TILE; q++)
            c[(size_t)p * n + q] = s[p][q];
    }
}

INLINE void block(uint32_t n, uint32_t j0, uint32_t j1, const uint8_t *a,
                  const int8_t *b, int32_t *c)
{
    for (uint32_t i = 0; i < n; i += TILE) {
        for (uint32_t j = j0; j < j1; j += TILE)
            tile(n, a + (size_t)i * n, b + (size_t)j * n,
                 c + (size_t)i * n + j);
    }
}

typedef void (*block_fn)(uint32_t n, uint32_t j0, uint32_t j1, const uint8_t *a,
                         const int8_t *b, int32_t *c);

static void block_plain(uint32_t n, uint32_t j0, uint32_t j1, const uint8_t *a,
                        const int8_t *b, int32_t *c)
{
    block(n, j0, j1, a, b, c);
}

#if TARGETS
__attribute__((target("avx2"))) static void block_avx2(uint32_t n, uint32_t j0,
                                                       uint32_t j1,
                                                       const uint8_t *a,
                                                       const int8_t *b,
                                                       int32_t *c)
{
    block(n, j0, j1, a, b, c);
}

__attribute__((target(VNNI))) static void block_vnni(uint32_t n, uint32_t j0,
                                                     uint32_t j1,
                                                     const uint8_t *a,
                                                     const int8_t *b,
                                                     int32_t *c)
{
    block(n, j0, j1, a, b, c);
}
#endif

static block_fn means(const char **out_name)
{
#if TARGETS
    if (__builtin_cpu_supports("avx512vnni") &&
        __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl")) {
        *out_name = "avx512-vnni";
        return block_vnni;
    }
    if (__builtin_cpu_supports("avx2")) {
        *out_name = "avx2";
        return block_avx2;
    }
#endif
    *out_name = "plain";
    return block_plain;
}

const char *dot_means(void)
{
    const char *name;
    (void)means(&name);
    return name;
}

void dot_turn(uint32_t n, int8_t *b)
{
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < i; j++) {
            int8_t swap = b[(size_t)i * n + j];
            b[(size_t)i * n + j] = b[(size_t)j * n + i];
            b[(size_t)j * n + i] = swap;
        }
    }
}

void dot_gemm(uint32_t n, const uint8_t *a, const int8_t *b_turned, int32_t *c)
{
    const char *name;
    block_fn fn = means(&name);
    for (uint32_t j = 0; j < n; j += BLOCK)
        fn(n, j, j + BLOCK < n ? j + BLOCK : n, a, b_turned, c);
}
