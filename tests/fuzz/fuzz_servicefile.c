/* links: suan_cli */
/* Instances from anywhere: read or refused with their line, and what was read
 * can be told to a table and chosen from. */

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/file/servicefile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void a_choice_holds(const struct servicefile *file)
{
    struct service_table table;
    struct select_rules rules;
    struct select_choice c;
    struct dice dice;
    uint8_t key[SHORT_HASH_KEY_LEN] = {0};
    enum err err;
    CHECK(servicefile_tell(file, &table) == OK);
    select_rules_init(&rules, key);
    dice_init(&dice, 1);
    rules.peers = file->peers;
    rules.delay_us = file->delay_us;
    err = select_instance(&table, &(struct service_id){{0}}, &rules, 7, 0,
                          &dice, &c);
    CHECK(err == OK || (err == ERR_CAPACITY && file->delay_us > 0));
    if (err == OK && file->delay_us > 0)
        CHECK(c.cost.tier == 0 && c.cost.key <= file->delay_us);
    service_table_done(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct servicefile *file = malloc(sizeof(*file));
    char error[YAMLFILE_ERROR_MAX];
    enum err err;
    CHECK(file != NULL);
    err = servicefile_parse(bytes_make(data, len), "f", file, error);
    if (err == OK)
        a_choice_holds(file);
    CHECK(err == OK || err == ERR_NOMEM || strncmp(error, "f:", 2) == 0);
    free(file);
    return 0;
}
