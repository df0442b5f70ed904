#include "sched/resources.h"

#include <string.h>

bool resources_cover(const struct resources *have, const struct resources *want)
{
    return have->cpu_milli >= want->cpu_milli &&
           have->mem_mib >= want->mem_mib && have->disk_mib >= want->disk_mib &&
           have->nic_kbit >= want->nic_kbit;
}

enum err resources_add(const struct resources *a, const struct resources *b,
                       struct resources *out)
{
    struct resources sum;
    if (__builtin_add_overflow(a->cpu_milli, b->cpu_milli, &sum.cpu_milli) ||
        __builtin_add_overflow(a->mem_mib, b->mem_mib, &sum.mem_mib) ||
        __builtin_add_overflow(a->disk_mib, b->disk_mib, &sum.disk_mib) ||
        __builtin_add_overflow(a->nic_kbit, b->nic_kbit, &sum.nic_kbit))
        return ERR_OVERFLOW;
    *out = sum;
    return OK;
}

enum err resources_sub(const struct resources *a, const struct resources *b,
                       struct resources *out)
{
    if (!resources_cover(a, b))
        return ERR_UNDERFLOW;
    *out = (struct resources){
        .cpu_milli = a->cpu_milli - b->cpu_milli,
        .mem_mib = a->mem_mib - b->mem_mib,
        .disk_mib = a->disk_mib - b->disk_mib,
        .nic_kbit = a->nic_kbit - b->nic_kbit,
    };
    return OK;
}

enum err resources_mul(const struct resources *r, uint32_t n,
                       struct resources *out)
{
    struct resources product;
    if (__builtin_mul_overflow(r->cpu_milli, n, &product.cpu_milli) ||
        __builtin_mul_overflow(r->mem_mib, n, &product.mem_mib) ||
        __builtin_mul_overflow(r->disk_mib, n, &product.disk_mib) ||
        __builtin_mul_overflow(r->nic_kbit, n, &product.nic_kbit))
        return ERR_OVERFLOW;
    *out = product;
    return OK;
}

void resources_encode(const struct resources *r, struct buf *out)
{
    mp_put_array(out, 4);
    mp_put_uint(out, r->cpu_milli);
    mp_put_uint(out, r->mem_mib);
    mp_put_uint(out, r->disk_mib);
    mp_put_uint(out, r->nic_kbit);
}

void resources_decode(struct mp_reader *reader, struct resources *out)
{
    struct resources r;
    mp_enter_exact(reader, 4);
    r.cpu_milli = (uint32_t)mp_get_uint_max(reader, UINT32_MAX);
    r.mem_mib = mp_get_uint(reader);
    r.disk_mib = mp_get_uint(reader);
    r.nic_kbit = mp_get_uint(reader);
    mp_leave(reader);
    if (reader->err == OK)
        *out = r;
}

static const char *const arch_names[] = {
    [ARCH_ANY] = "any",
    [ARCH_X86_64] = "x86_64",
    [ARCH_AARCH64] = "aarch64",
    [ARCH_RISCV64] = "riscv64",
};

#define ARCH_COUNT (sizeof(arch_names) / sizeof(arch_names[0]))

const char *arch_text(enum arch arch)
{
    return (size_t)arch < ARCH_COUNT ? arch_names[arch] : "?";
}

enum err arch_parse(const char *text, enum arch *out)
{
    for (size_t i = 0; i < ARCH_COUNT; i++) {
        if (strcmp(text, arch_names[i]) == 0) {
            *out = (enum arch)i;
            return OK;
        }
    }
    return ERR_PARSE;
}
