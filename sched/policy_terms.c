#include "sched/policy_terms.h"

#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/check.h"
#include "sched/target.h"

static const struct policy_terms plain;

/* ---- names ---- */

static const char *const part_names[PART_COUNT] = {"price", "rtt",  "speed",
                                                   "load",  "link", "energy"};

static const char *const speed_names[SPEED_CLASSES] = {
    "mean", "logic", "parallel", "neural", "memory", "disk", "network"};

static const char *const divide_names[] = {
    "own", "fill", "even", "static", "dynamic", "aggregated", "duplicated"};

#define NAMES(table) (sizeof(table) / sizeof((table)[0]))

const char *policy_part_text(enum policy_part part)
{
    return (size_t)part < NAMES(part_names) ? part_names[part] : "?";
}

const char *speed_class_text(enum speed_class class_)
{
    return (size_t)class_ < NAMES(speed_names) ? speed_names[class_] : "?";
}

const char *policy_divide_text(enum policy_divide divide)
{
    return (size_t)divide < NAMES(divide_names) ? divide_names[divide] : "?";
}

static bool name_index(const char *const *names, size_t count, const char *text,
                       uint32_t *out)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], text) == 0) {
            *out = (uint32_t)i;
            return true;
        }
    }
    return false;
}

/* ---- check ---- */

/* Which parts a policy weighs. */
static bool weighs(enum policy policy, enum policy_part part)
{
    if (policy == POLICY_COMPOSITE)
        return part != PART_LINK;
    return policy == POLICY_BALANCED &&
           (part == PART_LOAD || part == PART_LINK || part == PART_ENERGY);
}

static enum err check_weights(enum policy policy,
                              const struct policy_terms *terms)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < PART_COUNT; i++) {
        uint32_t weight = terms->weights[i];
        if (weight > POLICY_WEIGHT_MAX ||
            (weight > 0 && !weighs(policy, (enum policy_part)i)))
            return ERR_RANGE;
        sum += weight;
    }
    return policy == POLICY_COMPOSITE && sum == 0 ? ERR_RANGE : OK;
}

static bool uses_speed(enum policy policy)
{
    return policy == POLICY_FASTEST || policy == POLICY_COMPOSITE;
}

static bool uses_near(enum policy policy)
{
    return policy == POLICY_NEAREST || policy == POLICY_COMPOSITE;
}

static bool share_ok(const struct policy_share *share)
{
    bool by_label = pubkey_is_zero(&share->provider);
    if (share->weight == 0 || share->weight > POLICY_WEIGHT_MAX)
        return false;
    if (by_label)
        return share->key[0] != '\0';
    return share->key[0] == '\0' && share->value[0] == '\0';
}

static enum err check_shares(const struct policy_terms *terms)
{
    if (terms->share_count > POLICY_SHARES_MAX ||
        (terms->share_count > 0) != (terms->divide == POLICY_DIVIDE_STATIC))
        return ERR_RANGE;
    for (uint32_t i = 0; i < terms->share_count; i++) {
        if (!share_ok(&terms->shares[i]))
            return ERR_RANGE;
    }
    return OK;
}

static enum err check_counts(const struct policy_terms *terms)
{
    bool duplicated = terms->divide == POLICY_DIVIDE_DUPLICATED;
    if (duplicated ? terms->copies < 2 || terms->copies > POLICY_COPIES_MAX
                   : terms->copies != 0)
        return ERR_RANGE;
    if (terms->down_ppb >= TARGET_ONE || (terms->down_ppb > 0 && !duplicated &&
                                          terms->divide != POLICY_DIVIDE_OWN))
        return ERR_RANGE;
    if (terms->least > LIMIT_TASKS || (terms->least > 0 && !terms->gang))
        return ERR_RANGE;
    return OK;
}

enum err policy_terms_check(enum policy policy,
                            const struct policy_terms *terms)
{
    CHECK(terms != NULL);
    if (policy < POLICY_CHEAPEST || policy > POLICY_PACK ||
        (uint32_t)terms->speed >= NAMES(speed_names) ||
        (uint32_t)terms->divide >= NAMES(divide_names))
        return ERR_RANGE;
    if ((terms->speed != SPEED_MEAN && !uses_speed(policy)) ||
        (!pubkey_is_zero(&terms->near) && !uses_near(policy)))
        return ERR_RANGE;
    TRY(check_weights(policy, terms));
    TRY(check_shares(terms));
    return check_counts(terms);
}

static bool share_same(const struct policy_share *a,
                       const struct policy_share *b)
{
    return a->weight == b->weight && pubkey_equal(&a->provider, &b->provider) &&
           strcmp(a->key, b->key) == 0 && strcmp(a->value, b->value) == 0;
}

bool policy_terms_same(const struct policy_terms *a,
                       const struct policy_terms *b)
{
    if (memcmp(a->weights, b->weights, sizeof(a->weights)) != 0 ||
        a->speed != b->speed || !pubkey_equal(&a->near, &b->near) ||
        a->divide != b->divide || a->copies != b->copies ||
        a->gang != b->gang || a->least != b->least ||
        a->share_count != b->share_count || a->down_ppb != b->down_ppb)
        return false;
    for (uint32_t i = 0; i < a->share_count; i++) {
        if (!share_same(&a->shares[i], &b->shares[i]))
            return false;
    }
    return true;
}

/* ---- what holds ---- */

enum policy_divide policy_divides(enum policy policy,
                                  const struct policy_terms *terms)
{
    if (terms != NULL && terms->divide != POLICY_DIVIDE_OWN)
        return terms->divide;
    return policy == POLICY_SPREAD || policy == POLICY_BALANCED
               ? POLICY_DIVIDE_EVEN
               : POLICY_DIVIDE_FILL;
}

uint32_t policy_copies(const struct policy_terms *terms)
{
    return terms != NULL && terms->copies > 1 ? terms->copies : 1;
}

uint32_t policy_least(const struct policy_terms *terms, uint32_t tasks)
{
    if (terms == NULL || !terms->gang)
        return 0;
    return terms->least == 0 || terms->least > tasks ? tasks : terms->least;
}

uint32_t policy_weight(enum policy policy, const struct policy_terms *terms,
                       enum policy_part part)
{
    const struct policy_terms *t = terms != NULL ? terms : &plain;
    uint32_t sum = 0;
    for (unsigned i = 0; i < PART_COUNT; i++)
        sum += t->weights[i];
    if (!weighs(policy, part))
        return 0;
    return sum == 0 ? 1 : t->weights[part];
}

static bool share_means(const struct policy_share *share,
                        const struct pubkey *provider,
                        const struct label *labels, uint32_t label_count)
{
    if (!pubkey_is_zero(&share->provider))
        return pubkey_equal(&share->provider, provider);
    for (uint32_t i = 0; i < label_count; i++) {
        if (strcmp(labels[i].key, share->key) == 0 &&
            (share->value[0] == '\0' ||
             strcmp(labels[i].value, share->value) == 0))
            return true;
    }
    return false;
}

uint32_t policy_share_of(const struct policy_terms *terms,
                         const struct pubkey *provider,
                         const struct label *labels, uint32_t label_count)
{
    for (uint32_t i = 0; terms != NULL && i < terms->share_count; i++) {
        if (share_means(&terms->shares[i], provider, labels, label_count))
            return terms->shares[i].weight;
    }
    return 0;
}

/* ---- bytes ---- */

void policy_terms_encode(const struct policy_terms *terms, struct buf *out)
{
    mp_put_array(out, POLICY_TERMS_FIELDS);
    mp_put_array(out, PART_COUNT);
    for (unsigned i = 0; i < PART_COUNT; i++)
        mp_put_uint(out, terms->weights[i]);
    mp_put_uint(out, terms->speed);
    mp_put_pubkey(out, &terms->near);
    mp_put_uint(out, terms->divide);
    mp_put_uint(out, terms->copies);
    mp_put_bool(out, terms->gang);
    mp_put_uint(out, terms->least);
    CHECK(terms->share_count <= POLICY_SHARES_MAX);
    mp_put_array(out, terms->share_count);
    for (uint32_t i = 0; i < terms->share_count; i++) {
        const struct policy_share *share = &terms->shares[i];
        mp_put_array(out, 4);
        mp_put_uint(out, share->weight);
        mp_put_pubkey(out, &share->provider);
        mp_put_str(out, share->key);
        mp_put_str(out, share->value);
    }
    mp_put_uint(out, terms->down_ppb);
}

static void shares_decode(struct mp_reader *reader, struct policy_terms *out)
{
    uint32_t count = mp_enter(reader);
    if (count > POLICY_SHARES_MAX)
        mp_fail(reader, ERR_RANGE);
    for (uint32_t i = 0; i < count && reader->err == OK; i++) {
        struct policy_share *share = &out->shares[i];
        mp_enter_exact(reader, 4);
        share->weight = (uint32_t)mp_get_uint_max(reader, POLICY_WEIGHT_MAX);
        mp_get_pubkey(reader, &share->provider);
        mp_get_text(reader, share->key, sizeof(share->key));
        mp_get_text(reader, share->value, sizeof(share->value));
        mp_leave(reader);
    }
    mp_leave(reader);
    out->share_count = reader->err == OK ? count : 0;
}

void policy_terms_decode(struct mp_reader *reader, struct policy_terms *out)
{
    *out = plain;
    mp_enter_exact(reader, POLICY_TERMS_FIELDS);
    mp_enter_exact(reader, PART_COUNT);
    for (unsigned i = 0; i < PART_COUNT; i++)
        out->weights[i] = (uint32_t)mp_get_uint_max(reader, POLICY_WEIGHT_MAX);
    mp_leave(reader);
    out->speed = (enum speed_class)mp_get_uint_max(reader, SPEED_CLASSES - 1);
    mp_get_pubkey(reader, &out->near);
    out->divide =
        (enum policy_divide)mp_get_uint_max(reader, POLICY_DIVIDE_DUPLICATED);
    out->copies = (uint32_t)mp_get_uint_max(reader, POLICY_COPIES_MAX);
    out->gang = mp_get_bool(reader);
    out->least = (uint32_t)mp_get_uint_max(reader, LIMIT_TASKS);
    shares_decode(reader, out);
    out->down_ppb = (uint32_t)mp_get_uint_max(reader, TARGET_ONE - 1);
    mp_leave(reader);
}

/* ---- as people write them ---- */

/* A whole number of at most `max`, all of the text. */
static enum err number(const char *text, size_t len, uint32_t max,
                       uint32_t *out)
{
    uint32_t value = 0;
    if (len == 0 || len > 6)
        return ERR_PARSE;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return ERR_PARSE;
        value = value * 10 + (uint32_t)(text[i] - '0');
    }
    if (value > max)
        return ERR_RANGE;
    *out = value;
    return OK;
}

static enum err set_one_weight(struct policy_terms *terms, const char *text,
                               size_t len)
{
    char name[16];
    uint32_t part;
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals != NULL ? (size_t)(equals - text) : 0;
    if (name_len == 0 || name_len >= sizeof(name))
        return ERR_PARSE;
    memcpy(name, text, name_len);
    name[name_len] = '\0';
    if (!name_index(part_names, NAMES(part_names), name, &part))
        return ERR_PARSE;
    return number(equals + 1, len - name_len - 1, POLICY_WEIGHT_MAX,
                  &terms->weights[part]);
}

static enum err set_weight(struct policy_terms *terms, const char *value)
{
    do {
        size_t len = strcspn(value, ",");
        TRY(set_one_weight(terms, value, len));
        value += len;
    } while (*value++ == ',');
    return OK;
}

static enum err set_speed(struct policy_terms *terms, const char *value)
{
    uint32_t index;
    if (!name_index(speed_names, NAMES(speed_names), value, &index))
        return ERR_PARSE;
    terms->speed = (enum speed_class)index;
    return OK;
}

static enum err set_near(struct policy_terms *terms, const char *value)
{
    return address_parse(value, NULL, &terms->near) == OK ? OK : ERR_PARSE;
}

static enum err set_divide(struct policy_terms *terms, const char *value)
{
    uint32_t index;
    if (!name_index(divide_names, NAMES(divide_names), value, &index))
        return ERR_PARSE;
    terms->divide = (enum policy_divide)index;
    if (terms->divide == POLICY_DIVIDE_DUPLICATED && terms->copies == 0)
        terms->copies = 2;
    return OK;
}

static enum err set_copies(struct policy_terms *terms, const char *value)
{
    return number(value, strlen(value), POLICY_COPIES_MAX, &terms->copies);
}

static enum err set_gang(struct policy_terms *terms, const char *value)
{
    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
        return ERR_PARSE;
    terms->gang = value[0] == 'y';
    return OK;
}

static enum err set_availability(struct policy_terms *terms, const char *value)
{
    return target_parse(value, &terms->down_ppb);
}

static enum err set_least(struct policy_terms *terms, const char *value)
{
    return number(value, strlen(value), LIMIT_TASKS, &terms->least);
}

static enum err copy_text(const char *text, size_t len, char out[LIMIT_NAME])
{
    if (len >= LIMIT_NAME)
        return ERR_RANGE;
    memset(out, 0, LIMIT_NAME);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return ERR_PARSE;
        out[i] = text[i];
    }
    return OK;
}

/* What stands before the weight: an address, KEY=VALUE or KEY. */
static enum err share_target(const char *text, size_t len,
                             struct policy_share *out)
{
    char address[ADDRESS_TEXT_MAX];
    const char *equals = memchr(text, '=', len);
    size_t key = equals != NULL ? (size_t)(equals - text) : len;
    if (len < sizeof(address)) {
        memcpy(address, text, len);
        address[len] = '\0';
        if (address_parse(address, NULL, &out->provider) == OK)
            return OK;
    }
    if (key == 0 || (equals != NULL && key + 1 == len))
        return ERR_PARSE;
    TRY(copy_text(text, key, out->key));
    if (equals == NULL)
        return OK;
    return copy_text(equals + 1, len - key - 1, out->value);
}

static enum err add_share(struct policy_terms *terms, const char *value)
{
    struct policy_share share = {0};
    const char *colon = strrchr(value, ':');
    if (colon == NULL)
        return ERR_PARSE;
    if (terms->share_count == POLICY_SHARES_MAX)
        return ERR_RANGE;
    TRY(number(colon + 1, strlen(colon + 1), POLICY_WEIGHT_MAX, &share.weight));
    TRY(share_target(value, (size_t)(colon - value), &share));
    if (share.weight == 0)
        return ERR_RANGE;
    terms->shares[terms->share_count++] = share;
    return OK;
}

static const struct {
    const char *name;
    const char *shape;
    enum err (*set)(struct policy_terms *terms, const char *value);
} fields[] = {
    {"weight",
     "NAME=NUMBER[,...] with price, rtt, speed, load, link or energy and "
     "numbers up to 1000",
     set_weight},
    {"speed", "mean, logic, parallel, neural, memory, disk or network",
     set_speed},
    {"near", "the address of a node", set_near},
    {"divide", "fill, even, static, dynamic, aggregated or duplicated",
     set_divide},
    {"copies", "a number from 2 to 8", set_copies},
    {"gang", "yes or no", set_gang},
    {"least", "a number of tasks up to 1024", set_least},
    {"share",
     "LABEL=VALUE:NUMBER or ADDRESS:NUMBER, at most four, numbers from 1 to "
     "1000",
     add_share},
    {"availability", "a share below 1 such as 99.9% or 0.999",
     set_availability},
};

const char *policy_terms_field(size_t i)
{
    return i < NAMES(fields) ? fields[i].name : NULL;
}

const char *policy_terms_shape(const char *field)
{
    for (size_t i = 0; i < NAMES(fields); i++) {
        if (strcmp(fields[i].name, field) == 0)
            return fields[i].shape;
    }
    return NULL;
}

enum err policy_terms_set(struct policy_terms *terms, const char *field,
                          const char *value)
{
    struct policy_terms changed = *terms;
    CHECK(field != NULL && value != NULL);
    for (size_t i = 0; i < NAMES(fields); i++) {
        if (strcmp(fields[i].name, field) != 0)
            continue;
        TRY(fields[i].set(&changed, value));
        *terms = changed;
        return OK;
    }
    return ERR_NOT_FOUND;
}

static void format_weights(const struct policy_terms *terms, struct buf *out)
{
    const char *before = "weight ";
    for (unsigned i = 0; i < PART_COUNT; i++) {
        if (terms->weights[i] == 0)
            continue;
        buf_addf(out, "%s%s=%u", before, part_names[i], terms->weights[i]);
        before = ",";
    }
}

static void format_shares(const struct policy_terms *terms, const char *prefix,
                          const char *between, struct buf *out)
{
    for (uint32_t i = 0; i < terms->share_count; i++) {
        const struct policy_share *share = &terms->shares[i];
        char address[ADDRESS_TEXT_MAX];
        buf_addf(out, "%sshare ", i == 0 ? between : "; ");
        if (!pubkey_is_zero(&share->provider)) {
            address_format(prefix, &share->provider, address);
            buf_addf(out, "%s", address);
        } else {
            buf_addf(out, "%s%s%s", share->key,
                     share->value[0] != '\0' ? "=" : "", share->value);
        }
        buf_addf(out, ":%u", share->weight);
    }
}

void policy_terms_format(const struct policy_terms *terms, const char *prefix,
                         struct buf *out)
{
    size_t start = out->len;
    char address[ADDRESS_TEXT_MAX];
#define BETWEEN (out->len > start ? "; " : "")
    format_weights(terms, out);
    if (terms->speed != SPEED_MEAN)
        buf_addf(out, "%sspeed %s", BETWEEN, speed_class_text(terms->speed));
    if (!pubkey_is_zero(&terms->near)) {
        address_format(prefix, &terms->near, address);
        buf_addf(out, "%snear %s", BETWEEN, address);
    }
    if (terms->divide != POLICY_DIVIDE_OWN)
        buf_addf(out, "%sdivide %s", BETWEEN,
                 policy_divide_text(terms->divide));
    if (terms->copies > 0)
        buf_addf(out, "%scopies %u", BETWEEN, terms->copies);
    if (terms->gang)
        buf_addf(out, "%sgang yes", BETWEEN);
    if (terms->least > 0)
        buf_addf(out, "%sleast %u", BETWEEN, terms->least);
    format_shares(terms, prefix, BETWEEN, out);
    if (terms->down_ppb > 0) {
        buf_addf(out, "%savailability ", BETWEEN);
        target_format(terms->down_ppb, out);
    }
#undef BETWEEN
}
