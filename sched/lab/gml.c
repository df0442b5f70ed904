#include "sched/lab/gml.h"

#include "base/check.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- tables that grow ---- */

static void *grown(void *ptr, uint32_t count, uint32_t *cap, size_t size)
{
    uint32_t want = *cap == 0 ? 64 : *cap * 2;
    void *more;
    if (count < *cap)
        return ptr;
    more = realloc(ptr, want * size);
    if (more != NULL)
        *cap = want;
    return more;
}

/* ---- reading ---- */

enum token_kind {
    TOKEN_END,
    TOKEN_KEY,
    TOKEN_NUMBER,
    TOKEN_TEXT,
    TOKEN_OPEN,
    TOKEN_CLOSE
};

struct ids {
    int64_t id;
    uint32_t node;
};

struct edge_ends {
    int64_t source;
    int64_t target;
    bool has_source;
    bool has_target;
};

struct reader {
    const char *at;
    const char *end;
    const char *name;
    char *error;
    uint32_t line;
    enum token_kind kind;
    double number;
    bool whole; /* the number is an int64_t: */
    int64_t integer;
    char text[GML_TEXT_MAX + 1];
    uint32_t text_len;
    struct gml gml;
    struct edge_ends *ends; /* of each edge */
    uint32_t node_cap;
    uint32_t edge_cap;
    uint32_t attr_cap;
    uint32_t end_cap;
    struct buf pool;
    bool seen_graph;
};

__attribute__((format(printf, 4, 5))) static enum err refuse(
    const struct reader *r, enum err err, const char *next, const char *format,
    ...)
{
    char what[160];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    snprintf(r->error, GML_ERROR_MAX, "%.60s:%u: %s. Try: %s", r->name, r->line,
             what, next);
    return err;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end) {
        if (*r->at == '#') {
            while (r->at < r->end && *r->at != '\n')
                r->at++;
        } else if (is_blank(*r->at)) {
            r->line += *r->at == '\n';
            r->at++;
        } else {
            return;
        }
    }
}

/* ---- texts ---- */

static enum err put_byte(struct reader *r, uint32_t byte)
{
    if (r->text_len == GML_TEXT_MAX)
        return refuse(r, ERR_TOO_LARGE, "a shorter text",
                      "a text has more than %u bytes", GML_TEXT_MAX);
    r->text[r->text_len++] = (char)byte;
    return OK;
}

static enum err put_code(struct reader *r, uint32_t code)
{
    if (code < 0x80)
        return put_byte(r, code);
    if (code < 0x800) {
        TRY(put_byte(r, 0xc0 | code >> 6));
        return put_byte(r, 0x80 | (code & 0x3f));
    }
    if (code < 0x10000) {
        TRY(put_byte(r, 0xe0 | code >> 12));
    } else {
        TRY(put_byte(r, 0xf0 | code >> 18));
        TRY(put_byte(r, 0x80 | (code >> 12 & 0x3f)));
    }
    TRY(put_byte(r, 0x80 | (code >> 6 & 0x3f)));
    return put_byte(r, 0x80 | (code & 0x3f));
}

static bool code_parse(const char *text, size_t len, uint32_t *out)
{
    bool hex = len > 1 && (text[0] == 'x' || text[0] == 'X');
    uint32_t code = 0;
    for (size_t i = hex ? 1 : 0; i < len; i++) {
        char c = text[i];
        uint32_t digit;
        if (is_digit(c))
            digit = (uint32_t)(c - '0');
        else if (hex && (c | 32) >= 'a' && (c | 32) <= 'f')
            digit = (uint32_t)((c | 32) - 'a') + 10;
        else
            return false;
        code = code * (hex ? 16 : 10) + digit;
        if (code > 0x10ffff)
            return false;
    }
    *out = code;
    return len > (hex ? 1u : 0u) && code != 0;
}

/* An entity behind '&', or the '&' as it stands: old files are full of them. */
static enum err put_entity(struct reader *r)
{
    static const struct {
        const char *name;
        char byte;
    } named[] = {
        {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    size_t len = 0;
    uint32_t code;
    while (len < 10 && len < (size_t)(r->end - r->at) && r->at[len] != ';')
        len++;
    if (len == (size_t)(r->end - r->at) || r->at[len] != ';')
        return put_byte(r, '&');
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
        if (strlen(named[i].name) == len &&
            memcmp(named[i].name, r->at, len) == 0) {
            r->at += len + 1;
            return put_byte(r, (uint8_t)named[i].byte);
        }
    if (len > 1 && r->at[0] == '#' && code_parse(r->at + 1, len - 1, &code)) {
        r->at += len + 1;
        return put_code(r, code);
    }
    return put_byte(r, '&');
}

static enum err read_text(struct reader *r)
{
    uint32_t line = r->line;
    r->kind = TOKEN_TEXT;
    r->text_len = 0;
    r->at++;
    while (r->at < r->end && *r->at != '"') {
        char c = *r->at++;
        r->line += c == '\n';
        if (c == '\0')
            return refuse(r, ERR_PARSE, "a text file",
                          "there is a zero byte in a text");
        TRY(c == '&' ? put_entity(r) : put_byte(r, (uint8_t)c));
    }
    if (r->at == r->end) {
        r->line = line;
        return refuse(r, ERR_PARSE, "the whole file",
                      "a text begins here and does not end");
    }
    r->at++;
    r->text[r->text_len] = '\0';
    return OK;
}

/* ---- words and numbers ---- */

static enum err read_key(struct reader *r)
{
    r->kind = TOKEN_KEY;
    r->text_len = 0;
    while (r->at < r->end && (is_letter(*r->at) || is_digit(*r->at))) {
        if (r->text_len == GML_KEY_MAX)
            return refuse(r, ERR_TOO_LARGE, "a shorter key",
                          "a key has more than %u letters", GML_KEY_MAX);
        r->text[r->text_len++] = *r->at++;
    }
    r->text[r->text_len] = '\0';
    return OK;
}

static enum err read_number(struct reader *r)
{
    char *end;
    if (!is_digit(*r->at) && r->end - r->at > 1 && is_letter(r->at[1])) {
        r->at++; /* +INF and -INF of networkx: a word */
        return read_key(r);
    }
    r->kind = TOKEN_NUMBER;
    r->text_len = 0;
    while (r->at < r->end && r->text_len < 64 &&
           (is_digit(*r->at) || strchr("+-.eE", *r->at) != NULL) &&
           *r->at != '\0')
        r->text[r->text_len++] = *r->at++;
    r->text[r->text_len] = '\0';
    errno = 0;
    r->integer = strtoll(r->text, &end, 10);
    r->whole = errno == 0 && *end == '\0';
    r->number = strtod(r->text, &end);
    if (*end != '\0' || end == r->text || !isfinite(r->number))
        return refuse(r, ERR_PARSE, "a number such as 12 or 0.5",
                      "\"%.20s\" is not a number", r->text);
    return OK;
}

static enum err next_token(struct reader *r)
{
    skip_blanks(r);
    if (r->at == r->end) {
        r->kind = TOKEN_END;
        return OK;
    }
    if (*r->at == '"')
        return read_text(r);
    if (is_letter(*r->at))
        return read_key(r);
    if (*r->at == '[' || *r->at == ']') {
        r->kind = *r->at++ == '[' ? TOKEN_OPEN : TOKEN_CLOSE;
        return OK;
    }
    if (is_digit(*r->at) || *r->at == '+' || *r->at == '-' || *r->at == '.')
        return read_number(r);
    return refuse(r, ERR_PARSE, "a file in GML",
                  "the byte 0x%02x begins nothing that GML knows",
                  (unsigned)(uint8_t)*r->at);
}

static enum err end_too_early(const struct reader *r)
{
    return refuse(r, ERR_PARSE, "the whole file",
                  "the file ends inside a list");
}

/* Passes over a list whose [ was read. */
static enum err skip_list(struct reader *r)
{
    uint32_t depth = 1;
    while (depth > 0) {
        TRY(next_token(r));
        if (r->kind == TOKEN_END)
            return end_too_early(r);
        if (r->kind == TOKEN_OPEN && ++depth > GML_DEPTH_MAX)
            return refuse(r, ERR_DEPTH, "a flatter file",
                          "lists are nested more than %u deep", GML_DEPTH_MAX);
        depth -= r->kind == TOKEN_CLOSE;
    }
    r->kind = TOKEN_CLOSE;
    return OK;
}

/* ---- nodes and edges ---- */

static enum err pool_add(struct reader *r, const char *text, uint32_t len,
                         uint32_t *out)
{
    *out = (uint32_t)r->pool.len;
    buf_add(&r->pool, bytes_make(text, len));
    buf_add_u8(&r->pool, 0);
    return r->pool.err == ERR_TOO_LARGE
               ? refuse(r, ERR_TOO_LARGE, "a smaller file",
                        "the texts are too many")
               : r->pool.err;
}

static enum err keep_attr(struct reader *r, uint32_t key)
{
    struct gml_attr *attr;
    void *more =
        grown(r->gml.attrs, r->gml.attr_count, &r->attr_cap, sizeof(*attr));
    if (more == NULL)
        return ERR_NOMEM;
    r->gml.attrs = more;
    attr = &r->gml.attrs[r->gml.attr_count];
    attr->key = key;
    attr->is_number = r->kind == TOKEN_NUMBER;
    attr->number = attr->is_number ? r->number : 0;
    TRY(pool_add(r, r->text, r->text_len, &attr->value));
    r->gml.attr_count++;
    return OK;
}

/* What stands in a node or an edge. */
struct item {
    bool is_edge;
    bool has_id;
    int64_t id;
    struct edge_ends ends;
};

static enum err read_pair(struct reader *r, struct item *item)
{
    char key[GML_KEY_MAX + 1];
    uint32_t key_at;
    memcpy(key, r->text, r->text_len + 1);
    TRY(next_token(r));
    if (r->kind == TOKEN_OPEN)
        return skip_list(r);
    if (r->kind == TOKEN_NUMBER && r->whole) {
        if (!item->is_edge && strcmp(key, "id") == 0) {
            item->id = r->integer;
            item->has_id = true;
            return OK;
        }
        if (item->is_edge && strcmp(key, "source") == 0) {
            item->ends.source = r->integer;
            item->ends.has_source = true;
            return OK;
        }
        if (item->is_edge && strcmp(key, "target") == 0) {
            item->ends.target = r->integer;
            item->ends.has_target = true;
            return OK;
        }
    }
    if (r->kind == TOKEN_KEY) { /* NAN, INF, true: kept as a word */
        r->kind = TOKEN_TEXT;
    } else if (r->kind != TOKEN_NUMBER && r->kind != TOKEN_TEXT) {
        return refuse(r, ERR_PARSE, "a value behind each key",
                      "\"%s\" has no value", key);
    }
    TRY(pool_add(r, key, (uint32_t)strlen(key), &key_at));
    return keep_attr(r, key_at);
}

static enum err read_items(struct reader *r, struct item *item)
{
    for (;;) {
        TRY(next_token(r));
        if (r->kind == TOKEN_CLOSE)
            return OK;
        if (r->kind == TOKEN_END)
            return end_too_early(r);
        if (r->kind != TOKEN_KEY)
            return refuse(r, ERR_PARSE, "a key before each value",
                          "a value without a key");
        TRY(read_pair(r, item));
    }
}

static enum err read_node(struct reader *r)
{
    struct item item = {0};
    struct gml_node node = {.line = r->line, .attr = r->gml.attr_count};
    void *more;
    TRY(read_items(r, &item));
    if (!item.has_id)
        return refuse(r, ERR_PARSE, "id 0", "a node has no whole number as id");
    if (r->gml.node_count == GML_NODES_MAX)
        return refuse(r, ERR_TOO_LARGE, "a smaller graph", "more than %u nodes",
                      GML_NODES_MAX);
    more = grown(r->gml.nodes, r->gml.node_count, &r->node_cap, sizeof(node));
    if (more == NULL)
        return ERR_NOMEM;
    r->gml.nodes = more;
    node.id = item.id;
    node.attr_count = r->gml.attr_count - node.attr;
    r->gml.nodes[r->gml.node_count++] = node;
    return OK;
}

static enum err read_edge(struct reader *r)
{
    struct item item = {.is_edge = true};
    struct gml_edge edge = {.line = r->line, .attr = r->gml.attr_count};
    void *more;
    TRY(read_items(r, &item));
    if (!item.ends.has_source || !item.ends.has_target)
        return refuse(r, ERR_PARSE, "source 0 target 1",
                      "an edge has no source or no target");
    if (r->gml.edge_count == GML_EDGES_MAX)
        return refuse(r, ERR_TOO_LARGE, "a smaller graph", "more than %u edges",
                      GML_EDGES_MAX);
    more = grown(r->gml.edges, r->gml.edge_count, &r->edge_cap, sizeof(edge));
    if (more == NULL)
        return ERR_NOMEM;
    r->gml.edges = more;
    more = grown(r->ends, r->gml.edge_count, &r->end_cap, sizeof(item.ends));
    if (more == NULL)
        return ERR_NOMEM;
    r->ends = more;
    edge.attr_count = r->gml.attr_count - edge.attr;
    r->ends[r->gml.edge_count] = item.ends;
    r->gml.edges[r->gml.edge_count++] = edge;
    return OK;
}

/* ---- the graph ---- */

static enum err read_graph_pair(struct reader *r)
{
    char key[GML_KEY_MAX + 1];
    memcpy(key, r->text, r->text_len + 1);
    TRY(next_token(r));
    if (r->kind == TOKEN_OPEN) {
        if (strcmp(key, "node") == 0)
            return read_node(r);
        if (strcmp(key, "edge") == 0)
            return read_edge(r);
        return skip_list(r);
    }
    if (r->kind == TOKEN_END || r->kind == TOKEN_CLOSE)
        return refuse(r, ERR_PARSE, "a value behind each key",
                      "\"%s\" has no value", key);
    if (strcmp(key, "directed") == 0 && r->kind == TOKEN_NUMBER)
        r->gml.directed = r->number != 0;
    return OK;
}

static enum err read_graph(struct reader *r)
{
    r->seen_graph = true;
    for (;;) {
        TRY(next_token(r));
        if (r->kind == TOKEN_CLOSE)
            return OK;
        if (r->kind == TOKEN_END)
            return end_too_early(r);
        if (r->kind != TOKEN_KEY)
            return refuse(r, ERR_PARSE, "a key before each value",
                          "a value without a key");
        TRY(read_graph_pair(r));
    }
}

static enum err read_file(struct reader *r)
{
    for (;;) {
        bool is_graph;
        TRY(next_token(r));
        if (r->kind == TOKEN_END)
            break;
        if (r->kind != TOKEN_KEY)
            return refuse(r, ERR_PARSE, "a file that begins with graph [",
                          "a value without a key");
        is_graph = strcmp(r->text, "graph") == 0;
        TRY(next_token(r));
        if (r->kind == TOKEN_END || r->kind == TOKEN_CLOSE)
            return refuse(r, ERR_PARSE, "a value behind each key",
                          "a key has no value");
        if (r->kind != TOKEN_OPEN)
            continue;
        if (is_graph && r->seen_graph)
            return refuse(r, ERR_PARSE, "one graph a file",
                          "a second graph begins");
        TRY(is_graph ? read_graph(r) : skip_list(r));
    }
    if (r->seen_graph)
        return OK;
    return refuse(r, ERR_PARSE, "a file with graph [ node [ id 0 ] ]",
                  "there is no graph in it");
}

static int ids_compare(const void *a, const void *b)
{
    const struct ids *x = a;
    const struct ids *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static bool ids_find(const struct ids *ids, uint32_t count, int64_t id,
                     uint32_t *out)
{
    const struct ids key = {id, 0};
    const struct ids *hit =
        count == 0 ? NULL
                   : bsearch(&key, ids, count, sizeof(*ids), ids_compare);
    if (hit != NULL)
        *out = hit->node;
    return hit != NULL;
}

static enum err join_edges(struct reader *r, const struct ids *ids)
{
    struct gml *g = &r->gml;
    for (uint32_t i = 0; i < g->edge_count; i++) {
        struct gml_edge *edge = &g->edges[i];
        const struct edge_ends *ends = &r->ends[i];
        bool source = ids_find(ids, g->node_count, ends->source, &edge->source);
        bool target = ids_find(ids, g->node_count, ends->target, &edge->target);
        r->line = edge->line;
        if (!source || !target)
            return refuse(r, ERR_PARSE, "the id of a node in this file",
                          "an edge ends at %lld, which is no node",
                          (long long)(source ? ends->target : ends->source));
    }
    return OK;
}

static enum err join(struct reader *r)
{
    struct gml *g = &r->gml;
    struct ids *ids = calloc(g->node_count + 1u, sizeof(*ids));
    enum err err = OK;
    if (ids == NULL)
        return ERR_NOMEM;
    if (g->node_count == 0)
        err = refuse(r, ERR_PARSE, "node [ id 0 ]", "the graph has no nodes");
    for (uint32_t i = 0; i < g->node_count; i++)
        ids[i] = (struct ids){g->nodes[i].id, i};
    qsort(ids, g->node_count, sizeof(*ids), ids_compare);
    for (uint32_t i = 1; i < g->node_count && err == OK; i++)
        if (ids[i].id == ids[i - 1].id) {
            r->line = g->nodes[ids[i].node].line;
            err = refuse(r, ERR_EXISTS, "an id of its own for each node",
                         "two nodes have the id %lld", (long long)ids[i].id);
        }
    if (err == OK)
        err = join_edges(r, ids);
    free(ids);
    return err;
}

enum err gml_parse(struct bytes bytes, const char *name, struct gml *out,
                   char error[GML_ERROR_MAX])
{
    struct reader *r = calloc(1, sizeof(*r));
    enum err err;
    error[0] = '\0';
    if (r == NULL)
        return ERR_NOMEM;
    *r = (struct reader){.at = (const char *)bytes.ptr,
                         .end = (const char *)bytes.ptr + bytes.len,
                         .name = name,
                         .error = error,
                         .line = 1};
    buf_init(&r->pool, 3 * (size_t)GML_BYTES_MAX);
    if (bytes.len >= 3 && memcmp(bytes.ptr, "\xef\xbb\xbf", 3) == 0)
        r->at += 3;
    if (bytes.len > GML_BYTES_MAX)
        err = refuse(r, ERR_TOO_LARGE, "a smaller file", "more than %u bytes",
                     GML_BYTES_MAX);
    else
        err = read_file(r);
    if (err == OK)
        err = join(r);
    free(r->ends);
    r->gml.text = (char *)r->pool.ptr;
    if (err == OK)
        *out = r->gml;
    else
        gml_done(&r->gml);
    free(r);
    return err;
}

void gml_done(struct gml *gml)
{
    free(gml->nodes);
    free(gml->edges);
    free(gml->attrs);
    free(gml->text);
    *gml = (struct gml){0};
}

/* ---- asking ---- */

static const struct gml_attr *attr_find(const struct gml *gml, uint32_t first,
                                        uint32_t count, const char *key)
{
    for (uint32_t i = first; i < first + count; i++)
        if (strcmp(gml->text + gml->attrs[i].key, key) == 0)
            return &gml->attrs[i];
    return NULL;
}

bool gml_node_number(const struct gml *gml, uint32_t node, const char *key,
                     double *out)
{
    const struct gml_node *n = &gml->nodes[node];
    const struct gml_attr *attr = attr_find(gml, n->attr, n->attr_count, key);
    if (attr == NULL || !attr->is_number)
        return false;
    *out = attr->number;
    return true;
}

bool gml_edge_number(const struct gml *gml, uint32_t edge, const char *key,
                     double *out)
{
    const struct gml_edge *e = &gml->edges[edge];
    const struct gml_attr *attr = attr_find(gml, e->attr, e->attr_count, key);
    if (attr == NULL || !attr->is_number)
        return false;
    *out = attr->number;
    return true;
}

const char *gml_node_label(const struct gml *gml, uint32_t node)
{
    const struct gml_node *n = &gml->nodes[node];
    const struct gml_attr *attr =
        attr_find(gml, n->attr, n->attr_count, "label");
    return attr == NULL ? "" : gml->text + attr->value;
}
