#include "sched/lab/wfformat.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"

#define WRITERS_MAX 256u /* of one file */
#define MEMORY_MAX  4e15 /* bytes of a task */

struct reader {
    const char *name;
    char *error;
    struct wfformat wf;
    json_t *list;    /* of the tasks; the root's */
    json_t *tasks;   /* by id: index */
    json_t *names;   /* by name: index, the first of its name */
    json_t *sizes;   /* by file id: bytes; NULL before 1.5 */
    json_t *runs;    /* by task id: what it took; NULL before 1.5 */
    json_t *written; /* by file id: array of file indices */
    json_t *inputs;  /* by file id: file index */
    uint32_t name_room;
};

__attribute__((format(printf, 2, 3))) static enum err refuse(struct reader *r,
                                                             const char *format,
                                                             ...)
{
    va_list args;
    int len = snprintf(r->error, WFFORMAT_ERROR_MAX, "%s: ", r->name);
    va_start(args, format);
    if (len >= 0 && (size_t)len < WFFORMAT_ERROR_MAX)
        (void)vsnprintf(r->error + len, WFFORMAT_ERROR_MAX - (size_t)len,
                        format, args);
    va_end(args);
    return ERR_PARSE;
}

static enum err nomem_or(struct reader *r, enum err err, const char *what,
                         const char *name)
{
    if (err == ERR_NOMEM)
        return err;
    return refuse(r, "%s \"%.80s\": %s. Try: a smaller workflow", what, name,
                  err_text(err));
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

/* The first of two spellings that stands there. */
static json_t *either(const json_t *object, const char *a, const char *b)
{
    json_t *found = json_object_get(object, a);
    return found != NULL ? found : json_object_get(object, b);
}

/* An array, or nothing. */
static enum err array_of(struct reader *r, const json_t *object,
                         const char *key, const char *who, json_t **out)
{
    json_t *array = json_object_get(object, key);
    if (array != NULL && !json_is_array(array))
        return refuse(r, "task \"%.80s\": %s is not a list. Try: \"%s\": [...]",
                      who, key, key);
    *out = array;
    return OK;
}

static enum err number_of(struct reader *r, const json_t *value,
                          const char *what, const char *who, double max,
                          double *out)
{
    double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= 0) || number > max)
        return refuse(r, "%.80s: %s is %s. Try: a number from 0 to %.0f", who,
                      what, value == NULL ? "missing" : "not one of its range",
                      max);
    *out = number;
    return OK;
}

/* ---- tasks ---- */

/* Until 1.3 it was "memory" and in KB, with the factor that wfcommons itself
 * takes from the one to the other. */
static enum err read_memory(struct reader *r, const json_t *took,
                            const char *id, double *out)
{
    const json_t *value = json_object_get(took, "memoryInBytes");
    if (json_is_number(value))
        return number_of(r, value, "memoryInBytes", id, MEMORY_MAX, out);
    value = json_object_get(took, "memory");
    if (!json_is_number(value))
        return OK;
    TRY(number_of(r, value, "memory", id, MEMORY_MAX / 1000, out));
    *out *= 1000;
    return OK;
}

static enum err read_needs(struct reader *r, const json_t *task, const char *id,
                           struct workflow_task *out)
{
    const json_t *took = r->runs == NULL ? task : json_object_get(r->runs, id);
    double seconds = 0;
    double cores = 1;
    double memory = 0;
    const json_t *value;
    if (took == NULL)
        return refuse(r,
                      "task \"%.80s\" is not among workflow.execution.tasks. "
                      "Try: its runtimeInSeconds there",
                      id);
    TRY(number_of(r, either(took, "runtimeInSeconds", "runtime"),
                  "runtimeInSeconds", id, (double)WORKFLOW_WORK_MAX_US / 1e6,
                  &seconds));
    value = either(took, "coreCount", "cores");
    if (json_is_number(value))
        TRY(number_of(r, value, "coreCount", id, WORKFLOW_CORES_MAX, &cores));
    TRY(read_memory(r, took, id, &memory));
    out->work_us = (uint64_t)llround(seconds * 1e6);
    out->zones = WORKFLOW_ZONES_ALL;
    out->cores = cores < 1 ? 1 : (uint32_t)ceil(cores);
    out->memory_mib = (uint32_t)ceil(memory / 1048576);
    return OK;
}

static enum err read_task(struct reader *r, const json_t *task, size_t at)
{
    struct workflow_task made;
    const char *id = text_of(task, "id");
    const char *name = text_of(task, "name");
    uint32_t index = 0;
    enum err err;
    if (*id == '\0')
        id = name;
    if (*id == '\0')
        return refuse(r, "tasks[%zu] has no id. Try: \"id\": \"a name\"", at);
    if (json_object_get(r->tasks, id) != NULL)
        return refuse(r,
                      "tasks[%zu]: \"%.80s\" stands there a second time. Try: "
                      "another id",
                      at, id);
    TRY(read_needs(r, task, id, &made));
    err = workflow_add_task(&r->wf.workflow, &made, &index);
    if (err != OK)
        return nomem_or(r, err, "task", id);
    r->wf.task_names[index] = id;
    if (json_object_set_new(r->tasks, id, json_integer(index)) != 0)
        return ERR_NOMEM;
    if (json_object_get(r->names, name) == NULL &&
        json_object_set_new(r->names, name, json_integer(index)) != 0)
        return ERR_NOMEM;
    return OK;
}

/* By id, else by name. */
static bool task_of(const struct reader *r, const char *id, uint32_t *out)
{
    const json_t *found = NULL;
    if (id != NULL)
        found = json_object_get(r->tasks, id);
    if (found == NULL && id != NULL)
        found = json_object_get(r->names, id);
    if (found != NULL)
        *out = (uint32_t)json_integer_value(found);
    return found != NULL;
}

static enum err find_task(struct reader *r, const json_t *text, const char *who,
                          uint32_t *out)
{
    const char *id = json_string_value(text);
    if (!task_of(r, id, out))
        return refuse(r,
                      "task \"%.80s\" names \"%.80s\", and there is no such "
                      "task. Try: the id of a task",
                      who, id == NULL ? "(no text)" : id);
    return OK;
}

static enum err read_orders(struct reader *r, const json_t *task, uint32_t t)
{
    const char *who = r->wf.task_names[t];
    json_t *parents = NULL;
    json_t *children = NULL;
    const json_t *item;
    size_t i;
    uint32_t other = 0;
    enum err err = OK;
    TRY(array_of(r, task, "parents", who, &parents));
    TRY(array_of(r, task, "children", who, &children));
    json_array_foreach(parents, i, item)
    {
        TRY(find_task(r, item, who, &other));
        err = workflow_add_order(&r->wf.workflow, other, t);
        if (err != OK)
            return nomem_or(r, err, "parents of", who);
    }
    json_array_foreach(children, i, item)
    {
        TRY(find_task(r, item, who, &other));
        err = workflow_add_order(&r->wf.workflow, t, other);
        if (err != OK)
            return nomem_or(r, err, "children of", who);
    }
    return OK;
}

/* ---- files ---- */

static enum err add_file(struct reader *r, const char *id, double bytes,
                         uint32_t producer, uint32_t *out)
{
    struct workflow_file file = {(uint64_t)bytes, WORKFLOW_ZONES_ALL, producer,
                                 WORKFLOW_NONE};
    enum err err;
    if (r->wf.workflow.file_count == r->name_room) {
        uint32_t room = r->name_room == 0 ? 64 : r->name_room * 2;
        const char **grown = realloc(r->wf.file_names, room * sizeof(*grown));
        if (grown == NULL)
            return ERR_NOMEM;
        r->wf.file_names = grown;
        r->name_room = room;
    }
    err = workflow_add_file(&r->wf.workflow, &file, out);
    if (err != OK)
        return nomem_or(r, err, "file", id);
    r->wf.file_names[*out] = id;
    return OK;
}

/* entry: an id (1.5), or an object of an older schema. */
static enum err read_file(struct reader *r, const json_t *entry,
                          const char *who, const char **out_id,
                          double *out_bytes)
{
    const json_t *size;
    const char *id = json_string_value(entry);
    if (id == NULL && json_is_object(entry))
        id = json_string_value(either(entry, "id", "name"));
    if (id == NULL || *id == '\0')
        return refuse(r, "task \"%.80s\": a file has no name. Try: its id",
                      who);
    size = json_is_object(entry) ? either(entry, "sizeInBytes", "size")
                                 : json_object_get(r->sizes, id);
    if (size == NULL)
        return refuse(r,
                      "task \"%.80s\": the file \"%.80s\" has no size. Try: "
                      "its sizeInBytes",
                      who, id);
    *out_id = id;
    return number_of(r, size, "sizeInBytes", id, (double)WORKFLOW_BYTES_MAX,
                     out_bytes);
}

static enum err write_file(struct reader *r, const json_t *entry, uint32_t t)
{
    const char *id = NULL;
    double bytes = 0;
    uint32_t file = 0;
    json_t *list;
    TRY(read_file(r, entry, r->wf.task_names[t], &id, &bytes));
    list = json_object_get(r->written, id);
    if (list == NULL) {
        list = json_array();
        if (json_object_set_new(r->written, id, list) != 0)
            return ERR_NOMEM;
    }
    if (json_array_size(list) == WRITERS_MAX)
        return refuse(r,
                      "the file \"%.80s\" is written by more than %u tasks. "
                      "Try: a file for each",
                      id, WRITERS_MAX);
    TRY(add_file(r, id, bytes, t, &file));
    return json_array_append_new(list, json_integer(file)) == 0 ? OK
                                                                : ERR_NOMEM;
}

/* Whether a list of ids, or names, has the task. */
static bool lists(const struct reader *r, const json_t *list, uint32_t task)
{
    const json_t *item;
    size_t i;
    uint32_t found = 0;
    json_array_foreach(list, i, item)
    {
        if (task_of(r, json_string_value(item), &found) && found == task)
            return true;
    }
    return false;
}

/* As the one tells it, or the other. */
static bool is_parent(const struct reader *r, uint32_t of, uint32_t t)
{
    const json_t *child = json_array_get(r->list, t);
    const json_t *parent = json_array_get(r->list, of);
    return lists(r, json_object_get(child, "parents"), of) ||
           lists(r, json_object_get(parent, "children"), t);
}

static enum err use_input(struct reader *r, const char *id, double bytes,
                          uint32_t t)
{
    const json_t *known = json_object_get(r->inputs, id);
    uint32_t file = (uint32_t)json_integer_value(known);
    enum err err;
    if (known == NULL) {
        TRY(add_file(r, id, bytes, WORKFLOW_NONE, &file));
        if (json_object_set_new(r->inputs, id, json_integer(file)) != 0)
            return ERR_NOMEM;
    }
    err = workflow_add_use(&r->wf.workflow, t, file);
    return err == OK ? OK : nomem_or(r, err, "file", id);
}

/* A task that reads what it writes read what was there before. */
static enum err use_file(struct reader *r, const json_t *entry, uint32_t t)
{
    const char *id = NULL;
    double bytes = 0;
    const json_t *list;
    const json_t *item;
    size_t i;
    bool used = false;
    TRY(read_file(r, entry, r->wf.task_names[t], &id, &bytes));
    list = json_object_get(r->written, id);
    json_array_foreach(list, i, item)
    {
        uint32_t file = (uint32_t)json_integer_value(item);
        uint32_t from = r->wf.workflow.files[file].producer;
        enum err err;
        if (from == t || (json_array_size(list) > 1 && !is_parent(r, from, t)))
            continue;
        used = true;
        err = workflow_add_use(&r->wf.workflow, t, file);
        if (err != OK)
            return nomem_or(r, err, "file", id);
    }
    return used ? OK : use_input(r, id, bytes, t);
}

/* writes: those it writes, else those it reads. */
static enum err read_files(struct reader *r, const json_t *task, uint32_t t,
                           bool writes)
{
    const char *who = r->wf.task_names[t];
    json_t *list = NULL;
    const json_t *entry;
    size_t i;
    TRY(array_of(r, task, writes ? "outputFiles" : "inputFiles", who, &list));
    json_array_foreach(list, i, entry)
    {
        TRY(writes ? write_file(r, entry, t) : use_file(r, entry, t));
    }
    TRY(array_of(r, task, "files", who, &list));
    json_array_foreach(list, i, entry)
    {
        if (strcasecmp(text_of(entry, "link"), writes ? "output" : "input") !=
            0)
            continue;
        TRY(writes ? write_file(r, entry, t) : use_file(r, entry, t));
    }
    return OK;
}

/* ---- the whole ---- */

/* By id; `list` is an array of objects. */
static enum err index_by_id(struct reader *r, const json_t *list,
                            const char *what, const char *field, json_t **out)
{
    const json_t *entry;
    size_t i;
    if (!json_is_array(list))
        return refuse(r,
                      "%s is not there, or no list. Try: a file of WfFormat "
                      "1.5",
                      what);
    *out = json_object();
    json_array_foreach(list, i, entry)
    {
        const char *id = text_of(entry, "id");
        json_t *kept = field == NULL ? json_array_get(list, i)
                                     : json_object_get(entry, field);
        if (*id == '\0' || kept == NULL)
            return refuse(r, "%s[%zu] has no %s. Try: one", what, i,
                          *id == '\0' ? "id" : field);
        if (json_object_set(*out, id, kept) != 0)
            return ERR_NOMEM;
    }
    return *out == NULL ? ERR_NOMEM : OK;
}

static enum err find_tasks(struct reader *r, json_t **out_tasks)
{
    json_t *workflow = json_object_get(r->wf.root, "workflow");
    json_t *spec = json_object_get(workflow, "specification");
    json_t *run = json_object_get(workflow, "execution");
    const json_t *took;
    if (!json_is_object(workflow))
        return refuse(r, "there is no \"workflow\" in it. Try: a file of "
                         "WfFormat 1.5");
    took =
        either(run == NULL ? workflow : run, "makespanInSeconds", "makespan");
    if (json_is_number(took) && json_number_value(took) >= 0 &&
        json_number_value(took) < 1e12)
        r->wf.recorded_us = (uint64_t)llround(json_number_value(took) * 1e6);
    r->wf.title = text_of(r->wf.root, "name");
    *out_tasks = json_object_get(spec, "tasks");
    if (spec == NULL)
        *out_tasks = either(workflow, "tasks", "jobs");
    if (!json_is_array(*out_tasks) || json_array_size(*out_tasks) == 0)
        return refuse(r, "workflow.specification.tasks has no tasks. Try: a "
                         "file of WfFormat 1.5");
    if (json_array_size(*out_tasks) > WORKFLOW_TASKS_MAX)
        return refuse(r, "there are %zu tasks. Try: at most %u",
                      json_array_size(*out_tasks), WORKFLOW_TASKS_MAX);
    if (spec == NULL)
        return OK;
    if (run == NULL)
        return refuse(r, "there is no workflow.execution: how long its tasks "
                         "take is not known. Try: a run that was recorded");
    if (json_object_get(spec, "files") != NULL) /* else there are none */
        TRY(index_by_id(r, json_object_get(spec, "files"),
                        "workflow.specification.files", "sizeInBytes",
                        &r->sizes));
    return index_by_id(r, json_object_get(run, "tasks"),
                       "workflow.execution.tasks", NULL, &r->runs);
}

static enum err read_all(struct reader *r)
{
    const json_t *task;
    size_t i;
    TRY(find_tasks(r, &r->list));
    r->wf.task_names =
        calloc(json_array_size(r->list), sizeof(*r->wf.task_names));
    r->tasks = json_object();
    r->names = json_object();
    r->written = json_object();
    r->inputs = json_object();
    if (r->wf.task_names == NULL || r->tasks == NULL || r->names == NULL ||
        r->written == NULL || r->inputs == NULL)
        return ERR_NOMEM;
    json_array_foreach(r->list, i, task)
    {
        TRY(read_task(r, task, i));
    }
    json_array_foreach(r->list, i, task)
    {
        TRY(read_files(r, task, (uint32_t)i, true));
    }
    json_array_foreach(r->list, i, task)
    {
        TRY(read_files(r, task, (uint32_t)i, false));
        TRY(read_orders(r, task, (uint32_t)i));
    }
    return OK;
}

enum err wfformat_parse(struct bytes bytes, const char *name,
                        struct wfformat *out, char error[WFFORMAT_ERROR_MAX])
{
    struct reader r = {.name = name, .error = error};
    json_error_t where;
    enum err err;
    error[0] = '\0';
    if (bytes.len > WFFORMAT_BYTES_MAX) {
        (void)refuse(&r, "the file is larger than %u MiB. Try: a smaller one",
                     WFFORMAT_BYTES_MAX >> 20);
        return ERR_TOO_LARGE;
    }
    if (bytes.len >= 3 && memcmp(bytes.ptr, "\xef\xbb\xbf", 3) == 0)
        bytes = bytes_make(bytes.ptr + 3, bytes.len - 3);
    workflow_init(&r.wf.workflow);
    r.wf.root = json_loadb((const char *)bytes.ptr, bytes.len,
                           JSON_REJECT_DUPLICATES, &where);
    if (r.wf.root == NULL &&
        json_error_code(&where) == json_error_out_of_memory)
        err = ERR_NOMEM;
    else if (r.wf.root == NULL && bytes.len == 0)
        err = refuse(&r, "the file is empty. Try: a file of WfFormat 1.5");
    else if (r.wf.root == NULL)
        err = refuse(&r, "line %d: %s. Try: a file of WfFormat 1.5", where.line,
                     where.text);
    else
        err = read_all(&r);
    json_decref(r.tasks);
    json_decref(r.names);
    json_decref(r.sizes);
    json_decref(r.runs);
    json_decref(r.written);
    json_decref(r.inputs);
    if (err == OK)
        *out = r.wf;
    else
        wfformat_done(&r.wf);
    if (err == ERR_NOMEM)
        error[0] = '\0';
    return err;
}

void wfformat_done(struct wfformat *wf)
{
    workflow_done(&wf->workflow);
    free(wf->task_names);
    free(wf->file_names);
    json_decref(wf->root);
    memset(wf, 0, sizeof(*wf));
}
