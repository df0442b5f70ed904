#ifndef SCHED_METER_IDENTIFIER_H
#define SCHED_METER_IDENTIFIER_H

/* A compute identifier says what a resource is, where, and whose, in eleven
 * fields of fixed order, so that one text on a form, an offer or an invoice
 * names it. The supplier fills the form and makes the identifier itself.
 *
 *   bytes   canonical msgpack [1, 1, city, industry, enterprise, resource,
 *           centre, service, ability, storage, network, chip, number]
 *   text    "suanid1", the bytes in groups of five bits as letters of bech32,
 *           six letters of checksum: any three wrong letters are noticed, and
 *           any two that changed places
 *   code    registration code: BLAKE2b-128 of the bytes, 32 hex digits
 *   path    the fields with '/' between, so that all resources of a city, then
 *           of an industry in it, and so on, share the beginning
 *
 * The chip's number is the BLAKE2b-128 of the supplier's salt and the number,
 * so that two registrations of one chip by one supplier are seen, and nobody
 * else can try numbers out. */

#include "base/arena.h"
#include "base/hash.h"

#define IDENTIFIER_NAME_MAX  24u  /* a text field with its zero */
#define IDENTIFIER_BYTES_MAX 256u /* canonical bytes */
#define IDENTIFIER_TEXT_MAX  428u /* with its zero */
#define IDENTIFIER_PATH_MAX  320u
#define IDENTIFIER_CODE_MAX  33u
#define IDENTIFIER_PREFIX    "suanid"

/* field, name, what it says; in their order */
#define IDENTIFIER_MAP(X)                                                      \
    X(city, "city", TEXT, "where it stands: a name or a region's code")        \
    X(industry, "industry", TEXT, "the branch it serves: telecom, research")   \
    X(enterprise, "enterprise", TEXT, "who owns it")                           \
    X(resource, "resource", TEXT, "its kind: general, gpu, storage")           \
    X(centre, "centre", TEXT, "the data centre")                               \
    X(service, "service", TEXT, "what it is offered as: batch, service")       \
    X(ability_flops, "ability", NUMBER, "FLOP/s in single precision")          \
    X(storage_mib, "storage", NUMBER, "MiB")                                   \
    X(network_kbps, "network", NUMBER, "kbit/s")                               \
    X(chip, "chip", TEXT, "the chip's type")                                   \
    X(number, "number", DIGEST, "of the chip, hashed with the supplier's salt")

struct identifier {
    char city[IDENTIFIER_NAME_MAX]; /* texts: [a-z0-9.-], not empty */
    char industry[IDENTIFIER_NAME_MAX];
    char enterprise[IDENTIFIER_NAME_MAX];
    char resource[IDENTIFIER_NAME_MAX];
    char centre[IDENTIFIER_NAME_MAX];
    char service[IDENTIFIER_NAME_MAX];
    uint64_t ability_flops;
    uint64_t storage_mib;
    uint64_t network_kbps;
    char chip[IDENTIFIER_NAME_MAX];
    uint8_t number[HASH16_LEN];
};

#define IDENTIFIER_FIELDS 11u
/* Of field 0..IDENTIFIER_FIELDS-1 (CHECKed): "city", and its sentence. */
const char *identifier_field_name(unsigned field);
const char *identifier_field_help(unsigned field);
/* Appends a field's value as text: as it is, decimal, or hex. */
void identifier_field_format(const struct identifier *id, unsigned field,
                             struct buf *out);
/* Sets a text or a number from text; the number of the chip is 32 hex digits
 * (identifier_number makes them). ERR_PARSE, ERR_TOO_LARGE; the field is
 * untouched then. */
MUST_USE enum err identifier_field_set(struct identifier *id, unsigned field,
                                       const char *text);
/* Is every text filled? ERR_RANGE; *out_field is the first that is not right.
 */
MUST_USE enum err identifier_form(const struct identifier *id,
                                  unsigned *out_field);

void identifier_number(const char *salt, const char *chip_number,
                       uint8_t out[HASH16_LEN]);

/* Appends. ERR_RANGE (identifier_form), or what stuck in the buf. */
MUST_USE enum err identifier_encode(const struct identifier *id,
                                    struct buf *out);
/* ERR_TOO_LARGE, what mp_open_message refuses, ERR_RANGE for a text field that
 * is not in the form above. */
MUST_USE enum err identifier_decode(struct bytes bytes, struct arena *arena,
                                    struct identifier *out);

/* ERR_RANGE (identifier_form). */
MUST_USE enum err identifier_format(const struct identifier *id,
                                    char out[IDENTIFIER_TEXT_MAX]);
/* Upper case is read, too, but not both mixed. ERR_PARSE (not of this form at
 * all), ERR_TOO_LARGE, ERR_CHECKSUM, ERR_NOT_CANONICAL (bits behind the end),
 * then what identifier_decode refuses. */
MUST_USE enum err identifier_parse(const char *text, struct arena *arena,
                                   struct identifier *out);
/* The form is CHECKed. */
void identifier_code(const struct identifier *id,
                     char out[IDENTIFIER_CODE_MAX]);
void identifier_path(const struct identifier *id,
                     char out[IDENTIFIER_PATH_MAX]);
/* Does its path begin so? "beijing/tele" does for "beijing/telecom/...". */
bool identifier_has_prefix(const struct identifier *id, const char *prefix);

#endif
