#include "faults.h"
#include "keystore_support.h"

#include <sys/resource.h>

static void a_flipped_byte_never_opens_and_is_never_a_wrong_passphrase(
    void **state)
{
    const struct room *room = *state;
    struct keystore store = store_open(room);
    char address[ADDRESS_TEXT_MAX], name[KEYSTORE_NAME_MAX];
    char text[KEYSTORE_FILE_MAX];
    size_t len;
    store_put(&store, 1, "main", address);
    snprintf(name, sizeof(name), "%s.key", address);
    len = file_get(room_file(room, name), text, sizeof(text));
    for (size_t i = 0; i < len; i++) {
        enum err err;
        text[i] = (char)(text[i] ^ 1);
        room_put(room, name, text, len, 0600);
        text[i] = (char)(text[i] ^ 1);
        err = try_unlock(&store, address, PASS);
        assert_true(err == ERR_CORRUPT || err == ERR_CHECKSUM ||
                    err == ERR_VERSION || err == ERR_TOO_LARGE ||
                    err == ERR_RANGE);
    }
    room_put(room, name, text, len, 0600);
    assert_ok(try_unlock(&store, address, PASS));
    keystore_close(&store);
}

/* Whoever can write the file can make its checksum fit; the box still says no,
 * and no other field can be changed either. */
static void a_forged_field_with_a_good_checksum_does_not_open(void **state)
{
    const struct room *room = *state;
    struct keystore store = store_open(room);
    char address[ADDRESS_TEXT_MAX], name[KEYSTORE_NAME_MAX];
    char text[KEYSTORE_FILE_MAX];
    struct keystore_file genuine;
    size_t len;
    store_put(&store, 1, "main", address);
    snprintf(name, sizeof(name), "%s.key", address);
    len = file_get(room_file(room, name), text, sizeof(text));
    assert_ok(keystore_file_decode(bytes_make(text, len), &genuine));
    for (int i = 0; i < 6; i++) {
        struct keystore_file forged = genuine;
        struct buf out;
        forged.created_ms += i == 0;
        forged.has_backup ^= i == 1;
        forged.label[0] = i == 2 ? 'x' : forged.label[0];
        forged.cost.memlimit += i == 3 ? 8192 : 0;
        forged.salt[0] ^= i == 4;
        forged.box[KEYSTORE_BOX_LEN - 1] ^= i == 5;
        buf_init(&out, KEYSTORE_FILE_MAX);
        keystore_file_encode(&forged, &out);
        room_put(room, name, buf_bytes(&out).ptr, out.len, 0600);
        buf_done(&out);
        assert_err(try_unlock(&store, address, PASS), ERR_PASSPHRASE);
    }
    keystore_close(&store);
}

static void a_file_under_another_address_is_refused(void **state)
{
    const struct room *room = *state;
    struct keystore store = store_open(room);
    char a[ADDRESS_TEXT_MAX], b[ADDRESS_TEXT_MAX], text[KEYSTORE_FILE_MAX];
    char name_a[KEYSTORE_NAME_MAX], name_b[KEYSTORE_NAME_MAX];
    size_t len;
    store_put(&store, 1, "one", a);
    store_put(&store, 2, "two", b);
    snprintf(name_a, sizeof(name_a), "%s.key", a);
    snprintf(name_b, sizeof(name_b), "%s.key", b);
    len = file_get(room_file(room, name_a), text, sizeof(text));
    room_put(room, name_b, text, len, 0600);
    assert_err(try_unlock(&store, b, PASS), ERR_CORRUPT);
    assert_ok(try_unlock(&store, a, PASS));
    keystore_close(&store);
}

/* ERR_TOO_LARGE comes from our check; had the memory been asked for, it would
 * be ERR_NOMEM. */
static void a_hostile_cost_is_refused_before_memory_is_taken(void **state)
{
    const struct room *room = *state;
    struct keystore store = store_open(room);
    char text[KEYSTORE_FILE_MAX];
    size_t len = file_get(VECTORS "keystore_golden.json", text, sizeof(text));
    struct keystore_file file;
    struct buf out;
    assert_ok(keystore_file_decode(bytes_make(text, len), &file));
    file.cost.memlimit = UINT64_C(64) << 30; /* with a checksum that fits */
    buf_init(&out, KEYSTORE_FILE_MAX);
    keystore_file_encode(&file, &out);
    room_put(room, GOLDEN_ADDRESS ".key", buf_bytes(&out).ptr, out.len, 0600);
    buf_done(&out);
    assert_err(try_unlock(&store, GOLDEN_ADDRESS, PASS), ERR_TOO_LARGE);
    keystore_close(&store);
}

static void memory_that_is_not_there_is_a_fault(void **state)
{
    const struct rlimit small = {UINT64_C(64) << 20, RLIM_INFINITY};
    struct rlimit before;
    struct keystore store;
    struct key *key;
    enum err err;
    if (SANITIZED)
        skip();
    store = store_open(*state);
    key = key_make(1);
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(setrlimit(RLIMIT_AS, &small), 0);
    err = keystore_create(&store, key, ADDRESS_PREFIX_TEST, "a", 1, false, PASS,
                          &keystore_cost_moderate);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_err(err, ERR_NOMEM);
    assert_int_equal(room_count(*state), 0);
    key_free(key);
    keystore_close(&store);
}

struct attempt {
    struct keystore *store;
    int at;
};

static void passwd_and_crash(void *ctx)
{
    const struct attempt *attempt = ctx;
    fault_arm(FAULT_CRASH, attempt->at, 0);
    if (keystore_passwd(attempt->store, "main", PASS, NEXT, &tiny) != OK)
        _exit(1);
}

static void a_crash_in_passwd_leaves_a_key_that_opens(void **state)
{
    const struct room *room = *state;
    int step = 0, status = FAULT_EXIT << 8;
    for (step = 0; WEXITSTATUS(status) == FAULT_EXIT; step++) {
        struct keystore store = store_open(room);
        struct attempt attempt = {&store, step};
        char address[ADDRESS_TEXT_MAX];
        enum err by_old, by_new;
        store_put(&store, 1, "main", address);
        status = child_status(passwd_and_crash, &attempt);
        assert_true(WIFEXITED(status));
        by_old = try_unlock(&store, "main", PASS);
        by_new = try_unlock(&store, "main", NEXT);
        assert_true((by_old == OK) != (by_new == OK));
        assert_true(by_old == OK || by_old == ERR_PASSPHRASE);
        assert_true(by_new == OK || by_new == ERR_PASSPHRASE);
        /* and the next change works, over whatever was left behind */
        assert_ok(keystore_passwd(&store, "main", by_old == OK ? PASS : NEXT,
                                  BYTES_LIT("third"), &tiny));
        assert_ok(try_unlock(&store, "main", BYTES_LIT("third")));
        keystore_close(&store);
        room_empty(room->path);
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(step > 8);
}

static void a_full_disk_changes_nothing(void **state)
{
    struct keystore store = store_open(*state);
    char address[ADDRESS_TEXT_MAX];
    store_put(&store, 1, "main", address);
    fault_arm(FAULT_FAIL, 1, ENOSPC); /* the write itself */
    assert_err(keystore_passwd(&store, "main", PASS, NEXT, &tiny), ERR_FULL);
    fault.mode = FAULT_NONE;
    assert_ok(try_unlock(&store, "main", PASS));
    assert_int_equal(room_count(*state), 1);
    keystore_close(&store);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        T(a_flipped_byte_never_opens_and_is_never_a_wrong_passphrase),
        T(a_forged_field_with_a_good_checksum_does_not_open),
        T(a_file_under_another_address_is_refused),
        T(a_hostile_cost_is_refused_before_memory_is_taken),
        T(memory_that_is_not_there_is_a_fault),
        T(a_crash_in_passwd_leaves_a_key_that_opens),
        T(a_full_disk_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
