#include "node/net/lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { READ_BYTES = 64 * 1024, LINGER_MS = 300 };

enum lane_state {
    LANE_IDLE,
    LANE_CONNECTING, /* resolving the name or connecting */
    LANE_OPEN,       /* bytes flow */
    LANE_LINGERING,  /* the channel is over; last words are being written */
    LANE_CLOSING     /* the handles are being closed */
};

struct lane {
    uv_tcp_t tcp;
    uv_timer_t linger;
    uv_connect_t connecting;
    uv_getaddrinfo_t resolving;
    uv_write_t writing;
    uv_shutdown_t shutting;
    enum lane_state state;
    struct channel *channel;
    const struct lane_events *events;
    void *ctx, *host;
    uint8_t *in;
    struct buf out; /* being written */
    bool is_writing, is_resolving, is_shutting;
    int handles; /* open ones */
};

static uint64_t now_us(void)
{
    return uv_hrtime() / 1000;
}

/* ---- the end ---- */

static void free_if_done(struct lane *lane)
{
    const struct lane_events *events = lane->events;
    void *host = lane->host;

    if (lane->handles > 0 || lane->is_resolving)
        return;
    channel_free(lane->channel);
    buf_done(&lane->out);
    free(lane->in);
    free(lane);
    events->on_gone(host);
}

static void on_closed(uv_handle_t *handle)
{
    struct lane *lane = handle->data;

    lane->handles--;
    free_if_done(lane);
}

static void close_now(struct lane *lane)
{
    if (lane->state == LANE_CLOSING)
        return;
    lane->state = LANE_CLOSING;
    if (lane->is_resolving)
        (void)uv_cancel((uv_req_t *)&lane->resolving);
    uv_close((uv_handle_t *)&lane->tcp, on_closed);
    uv_close((uv_handle_t *)&lane->linger, on_closed);
}

static void on_linger_over(uv_timer_t *timer)
{
    close_now(timer->data);
}

static void on_shutdown(uv_shutdown_t *req, int status)
{
    (void)status; /* the peer's end, or the timer, does the rest */
    (void)req;
}

/* After the last write: say that we are done, and wait for the peer to hang up,
 * so that our last words are not lost in a reset. */
static void finish_writing(struct lane *lane)
{
    if (lane->state != LANE_LINGERING || lane->is_writing || lane->is_shutting)
        return;
    lane->is_shutting = true;
    if (uv_shutdown(&lane->shutting, (uv_stream_t *)&lane->tcp, on_shutdown) !=
        0)
        close_now(lane);
}

static void linger(struct lane *lane)
{
    bool connected = lane->state == LANE_OPEN;

    if (lane->state == LANE_LINGERING || lane->state == LANE_CLOSING)
        return;
    if (!connected) {
        close_now(lane);
        return;
    }
    lane->state = LANE_LINGERING;
    CHECK(uv_timer_start(&lane->linger, on_linger_over, LINGER_MS, 0) == 0);
    lane_flush(lane);
    finish_writing(lane);
}

void lane_end(struct lane *lane, enum err why)
{
    if (lane == NULL)
        return;
    channel_close(lane->channel, why);
    linger(lane);
}

/* The owner hears of it, last. */
static void over(struct lane *lane, enum err err, bool by_peer)
{
    linger(lane);
    lane->events->on_over(lane->ctx, err, by_peer);
}

/* The connection failed or was ended by the other side. */
static void broken(struct lane *lane)
{
    struct channel_event ev;
    bool was_up = channel_is_up(lane->channel);

    if (lane->state == LANE_CLOSING)
        return;
    if (lane->state == LANE_LINGERING) {
        close_now(lane);
        return;
    }
    channel_end(lane->channel, &ev);
    close_now(lane);
    lane->events->on_over(lane->ctx, was_up ? ERR_NET : ERR_CLOSED, false);
}

/* ---- events of the channel ---- */

static bool is_open(const struct lane *lane)
{
    return lane->state == LANE_OPEN && !channel_is_over(lane->channel);
}

static void on_event(struct lane *lane, const struct channel_event *ev)
{
    switch (ev->kind) {
    case CHANNEL_EVENT_NONE:
        break;
    case CHANNEL_EVENT_UP:
        lane->events->on_up(lane->ctx, channel_peer(lane->channel));
        break;
    case CHANNEL_EVENT_FRAME:
        lane->events->on_frame(lane->ctx, ev->type, ev->payload);
        break;
    case CHANNEL_EVENT_OVER:
        over(lane, ev->err, ev->by_peer);
        break;
    }
}

static void take(struct lane *lane, struct bytes data)
{
    struct channel_event ev;

    while (is_open(lane)) {
        channel_step(lane->channel, &data, now_us(), &ev);
        if (ev.kind == CHANNEL_EVENT_NONE)
            break;
        on_event(lane, &ev);
    }
    if (is_open(lane))
        lane_flush(lane);
}

void lane_tick(struct lane *lane, uint64_t now)
{
    struct channel_event ev;

    channel_tick(lane->channel, now, &ev);
    on_event(lane, &ev);
    if (is_open(lane))
        lane_flush(lane);
}

/* ---- bytes ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct lane *lane = handle->data;

    (void)suggested;
    *out = uv_buf_init((char *)lane->in, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct lane *lane = stream->data;

    (void)buf;
    if (n < 0)
        broken(lane);
    else if (n > 0 && lane->state == LANE_OPEN)
        take(lane, bytes_make(lane->in, (size_t)n));
}

static void on_written(uv_write_t *req, int status)
{
    struct lane *lane = req->data;

    lane->is_writing = false;
    buf_clear(&lane->out);
    if (lane->state == LANE_CLOSING)
        return;
    if (status != 0) {
        broken(lane);
        return;
    }
    lane_flush(lane);
    if (lane->state == LANE_LINGERING)
        finish_writing(lane);
    else if (!lane->is_writing)
        lane->events->on_drained(lane->ctx);
}

void lane_flush(struct lane *lane)
{
    uv_buf_t buf;

    if (lane->is_writing || channel_out_len(lane->channel) == 0)
        return;
    if (lane->state != LANE_OPEN && lane->state != LANE_LINGERING)
        return;
    channel_out_take(lane->channel, &lane->out);
    buf = uv_buf_init((char *)lane->out.ptr, (unsigned)lane->out.len);
    lane->writing.data = lane;
    lane->is_writing = true;
    if (uv_write(&lane->writing, (uv_stream_t *)&lane->tcp, &buf, 1,
                 on_written) != 0) {
        lane->is_writing = false;
        buf_clear(&lane->out); /* the read side will see the end */
    }
}

enum err lane_send(struct lane *lane, uint8_t type, struct bytes payload)
{
    return channel_send(lane->channel, type, payload);
}

bool lane_road(const struct lane *lane, struct road *out)
{
    uv_os_fd_t fd;

    return uv_fileno((const uv_handle_t *)&lane->tcp, &fd) == 0 &&
           road_read(fd, out);
}

size_t lane_waiting(const struct lane *lane)
{
    return channel_out_len(lane->channel) +
           (lane->is_writing ? lane->out.len : 0);
}

bool lane_is_up(const struct lane *lane)
{
    return channel_is_up(lane->channel);
}

const struct channel_identity *lane_peer(const struct lane *lane)
{
    return channel_peer(lane->channel);
}

void lane_remote(const struct lane *lane, struct addr_ip *out_ip,
                 uint16_t *out_port)
{
    struct sockaddr_storage ss;
    int len = sizeof ss;

    memset(&ss, 0, sizeof ss);
    (void)uv_tcp_getpeername(&lane->tcp, (struct sockaddr *)&ss, &len);
    addr_from_sockaddr((const struct sockaddr *)&ss, out_ip, out_port);
}

/* ---- the beginning ---- */

enum err lane_new(uv_loop_t *loop, const struct channel_config *channel,
                  const struct lane_events *events, void *host,
                  struct lane **out)
{
    struct lane *lane = calloc(1, sizeof *lane);

    if (lane == NULL)
        return ERR_NOMEM;
    lane->in = malloc(READ_BYTES);
    if (lane->in == NULL || channel_new(channel, &lane->channel) != OK) {
        free(lane->in);
        free(lane);
        return ERR_NOMEM;
    }
    lane->events = events;
    lane->ctx = channel->ctx;
    lane->host = host;
    buf_init(&lane->out, 0);
    CHECK(uv_tcp_init(loop, &lane->tcp) == 0);
    CHECK(uv_timer_init(loop, &lane->linger) == 0);
    lane->tcp.data = lane->linger.data = lane;
    lane->handles = 2;
    *out = lane;
    return OK;
}

static enum err open_lane(struct lane *lane)
{
    lane->state = LANE_OPEN;
    (void)uv_tcp_nodelay(&lane->tcp, 1);
    if (uv_read_start((uv_stream_t *)&lane->tcp, on_alloc, on_read) != 0)
        return ERR_NET;
    lane_flush(lane);
    return OK;
}

enum err lane_accept(struct lane *lane, uv_tcp_t *listener)
{
    CHECK(lane->state == LANE_IDLE);
    if (uv_accept((uv_stream_t *)listener, (uv_stream_t *)&lane->tcp) != 0)
        return ERR_NET;
    return open_lane(lane);
}

static void on_connected(uv_connect_t *req, int status)
{
    struct lane *lane = req->data;

    if (lane->state != LANE_CONNECTING)
        return;
    if (status != 0 || open_lane(lane) != OK) {
        struct channel_event ev;

        channel_end(lane->channel, &ev);
        close_now(lane);
        lane->events->on_over(lane->ctx, ERR_NET, false);
    }
}

static void on_resolved(uv_getaddrinfo_t *req, int status,
                        struct addrinfo *list)
{
    struct lane *lane = req->data;

    lane->is_resolving = false;
    if (lane->state != LANE_CONNECTING) {
        uv_freeaddrinfo(list);
        free_if_done(lane);
        return;
    }
    lane->connecting.data = lane;
    if (status == 0)
        status = uv_tcp_connect(&lane->connecting, &lane->tcp, list->ai_addr,
                                on_connected);
    uv_freeaddrinfo(list);
    if (status != 0) {
        struct channel_event ev;

        channel_end(lane->channel, &ev);
        close_now(lane);
        lane->events->on_over(lane->ctx, ERR_NET, false);
    }
}

enum err lane_connect(struct lane *lane, const char *addr)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM};
    struct addr_parts parts;
    char port[8];

    CHECK(lane->state == LANE_IDLE);
    if (addr_parse(addr, &parts) != OK || addr_host_is_any(parts.host))
        return ERR_PARSE;
    snprintf(port, sizeof port, "%u", parts.port);
    lane->resolving.data = lane;
    if (uv_getaddrinfo(lane->tcp.loop, &lane->resolving, on_resolved,
                       parts.host, port, &hints) != 0)
        return ERR_NET;
    lane->is_resolving = true;
    lane->state = LANE_CONNECTING;
    return OK;
}
