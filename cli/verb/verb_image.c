/* suan image import|ls|inspect|rm: what jobs run in. */

#include "cli/locate.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Reading and hashing gigabytes takes its time. */
#define IMPORT_WAIT_MS 600000u

static int show(struct cli *cli, const char *method, json_t *params,
                uint64_t wait_ms, const struct view *view)
{
    json_t *result = NULL;
    int failed = cli_call_wait(cli, method, params, wait_ms, &result);
    if (failed)
        return failed;
    failed = view == NULL ? 0 : view_print(cli, view, result);
    json_decref(result);
    return failed;
}

/* "dir/alpine-3.tar" -> "alpine-3". */
static void name_of(const char *path, char out[64])
{
    const char *base = strrchr(path, '/');
    base = base == NULL ? path : base + 1;
    snprintf(out, 64, "%.*s", (int)strcspn(base, "."), base);
}

int verb_image_import(struct cli *cli, const struct args *args)
{
    const char *file = args_operand(args, 0);
    const char *name = args_text(args, "name", NULL);
    char path[PATH_MAX];
    char own_name[64];
    if (!path_absolute(path, file))
        return cli_fail(cli, EXIT_FAILED, NULL, "a shorter path",
                        "the path %s is too long", file);
    if (access(path, R_OK) != 0)
        return cli_fail(cli, EXIT_NOT_FOUND, strerror(errno),
                        "the path of an OCI archive",
                        "the image %s cannot be read", file);
    name_of(path, own_name);
    if (name == NULL)
        name = own_name;
    if (name[0] == '\0')
        return cli_usage(cli, "--name default", "the image needs a name");
    return show(cli, "image.import",
                json_pack("{s:s, s:s}", "path", path, "name", name),
                IMPORT_WAIT_MS, &view_image);
}

int verb_image_ls(struct cli *cli, const struct args *args)
{
    (void)args;
    return show(cli, "image.list", NULL, 0, &view_images);
}

int verb_image_inspect(struct cli *cli, const struct args *args)
{
    return show(cli, "image.show",
                json_pack("{s:s}", "name", args_operand(args, 0)), 0,
                &view_image);
}

int verb_image_rm(struct cli *cli, const struct args *args)
{
    for (int i = 0; i < args->operand_count; i++) {
        const char *name = args_operand(args, i);
        int failed = show(cli, "image.remove", json_pack("{s:s}", "name", name),
                          0, NULL);
        if (failed)
            return failed;
        cli_note(cli, "removed the image %s", name);
    }
    return 0;
}
