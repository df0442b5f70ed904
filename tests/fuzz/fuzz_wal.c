/* links: ledger */

/* Any bytes as a safety log: as the bytes of a segment, or as a recipe for one
 * whose records carry the right checks. It opens; it hands out records in
 * order; what it says, it says again; and it goes on. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "ledger/disk/wal_room.h"

#define SMALL 4096u

static const struct wal_room room = {.segment_bytes = SMALL};
static const struct wal_owner owner = {.key = {{1}}, .chain = {{2}}};
static char dir[64];

static void forget(void)
{
    struct wal_dir segments;
    char path[128];
    if (wal_dir_open(&segments, dir, false) == OK) {
        CHECK(wal_dir_take(&segments) == OK);
        for (size_t i = 0; i < segments.count; i++) {
            snprintf(path, sizeof(path), "%s/wal-%016llx", dir,
                     (unsigned long long)segments.firsts[i]);
            unlink(path);
        }
    }
    wal_dir_done(&segments);
}

static void leave(void)
{
    char path[128];
    forget();
    snprintf(path, sizeof(path), "%s/" WAL_LOCK_NAME, dir);
    unlink(path);
    rmdir(dir);
}

static void once(void)
{
    if (dir[0] != '\0')
        return;
    snprintf(dir, sizeof(dir), "%s/suan-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    CHECK(mkdtemp(dir) != NULL);
    atexit(leave);
}

static void put_segment(uint64_t first, const uint8_t *bytes, size_t len)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/wal-%016llx", dir,
             (unsigned long long)first);
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL);
    CHECK(fwrite(bytes, 1, len, file) == len);
    fclose(file);
}

/* Steps of four bytes: a record with a seq and a synced near the expected ones,
 * bytes left out, bytes changed, or a new segment. */
static void cook(struct cursor *in)
{
    static const uint8_t key[WAL_KEY_BYTES] = {3};
    uint8_t bytes[SMALL] = {0};
    uint64_t first = 1;
    uint64_t seq = 1;
    size_t at = WAL_HEAD_BYTES;
    wal_head_put(&owner, key, bytes);
    while (in->rest.len >= 4) {
        uint8_t what = cursor_u8(in);
        uint8_t a = cursor_u8(in);
        uint8_t b = cursor_u8(in);
        uint8_t c = cursor_u8(in);
        if (what < 160) {
            struct bytes body = cursor_take(in, c % (in->rest.len + 1));
            uint64_t shown = seq + (what < 128 ? 0 : a % 16);
            if (at + WAL_RECORD_HEAD + body.len > SMALL)
                continue;
            wal_record_put(key, shown, b % shown, (uint8_t)(a | 1), body,
                           bytes + at);
            at += WAL_RECORD_HEAD + body.len;
            seq++;
        } else if (what < 190) {
            at = at + a < SMALL ? at + a : at;
        } else if (what < 230) {
            bytes[(((size_t)a << 8) + b) % SMALL] ^= c;
        } else {
            put_segment(first, bytes, a < 250 ? SMALL : SMALL - b);
            first = seq = seq > first ? seq + b % 2 : first + 1;
            memset(bytes + WAL_HEAD_BYTES, 0, SMALL - WAL_HEAD_BYTES);
            wal_head_put(&owner, key, bytes);
            at = WAL_HEAD_BYTES;
        }
    }
    put_segment(first, bytes, SMALL);
}

struct tale {
    uint64_t last;
    uint64_t count;
    uint64_t sum; /* of all that was said */
};

static enum err listen(void *ctx, uint64_t seq, uint8_t type, struct bytes body)
{
    struct tale *tale = ctx;
    CHECK(seq > tale->last && type > 0 && body.len <= WAL_BYTES_MAX);
    tale->last = seq;
    tale->count++;
    tale->sum = tale->sum * 31 + seq * 256 + type;
    for (size_t i = 0; i < body.len; i++)
        tale->sum = tale->sum * 31 + body.ptr[i];
    return OK;
}

static struct wal *tell(struct tale *tale, struct wal_report *report)
{
    struct wal *wal = NULL;
    memset(tale, 0, sizeof(*tale));
    memset(report, 0, sizeof(*report));
    enum err err = wal_open_in(&room, dir, &owner, listen, tale, report, &wal);
    CHECK(err == OK || err == ERR_CHAIN);
    if (wal == NULL)
        return NULL;
    CHECK(report->last_seq == tale->last);
    CHECK((report->found == WAL_DAMAGED) == (report->lost_seq > 0));
    CHECK(wal_last(wal) >= tale->last && wal_synced(wal) == wal_last(wal));
    if (report->found == WAL_WHOLE && tale->count > 0)
        CHECK(tale->last - report->first_seq + 1 == tale->count &&
              wal_last(wal) == tale->last);
    return wal;
}

static void go_on_twice(void)
{
    struct wal_report report;
    struct wal_report again;
    struct tale tale;
    struct tale second;
    uint64_t seq = 0;
    struct wal *wal = tell(&tale, &report);
    if (wal == NULL)
        return;
    wal_close(wal);
    wal = tell(&second, &again);
    CHECK(wal != NULL && second.sum == tale.sum);
    CHECK(again.found == report.found && again.lost_seq == report.lost_seq);
    CHECK(again.cut_bytes == 0);
    CHECK(wal_append(wal, 1, BYTES_LIT("more"), &seq) == OK);
    CHECK(wal_sync(wal) == OK && seq == wal_last(wal));
    wal_close(wal);
    wal = tell(&second, &again);
    CHECK(wal != NULL && second.count == tale.count + 1 && second.last == seq);
    CHECK(again.found == report.found);
    wal_trim(wal, seq);
    wal_close(wal);
    wal = tell(&second, &again);
    CHECK(wal != NULL && second.last == seq);
    CHECK(again.found == WAL_WHOLE || report.found == WAL_DAMAGED);
    wal_close(wal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct cursor in;
    once();
    forget();
    cursor_init(&in, bytes_make(data, len));
    if (cursor_u8(&in) % 2 == 0) {
        uint8_t first = (uint8_t)(cursor_u8(&in) | 1);
        uint8_t whole[SMALL] = {0};
        bool pad = cursor_u8(&in) % 2 == 0;
        size_t keep = in.rest.len < SMALL ? in.rest.len : SMALL;
        if (keep > 0)
            memcpy(whole, in.rest.ptr, keep);
        put_segment(first, whole, pad ? SMALL : keep);
    } else {
        cook(&in);
    }
    go_on_twice();
    return 0;
}
