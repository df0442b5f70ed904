#include "node/net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static const uint8_t V4_PREFIX[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};

struct addr_ip addr_ip_make(struct bytes bytes)
{
    struct addr_ip ip;

    CHECK(bytes.len == 4 || bytes.len == 16);
    if (bytes.len == 4)
        memcpy(ip.b, V4_PREFIX, sizeof V4_PREFIX);
    memcpy(ip.b + 16 - bytes.len, bytes.ptr, bytes.len);
    return ip;
}

bool addr_ip_is_v4(const struct addr_ip *ip)
{
    return memcmp(ip->b, V4_PREFIX, sizeof V4_PREFIX) == 0;
}

bool addr_ip_is_loopback(const struct addr_ip *ip)
{
    static const uint8_t one[16] = {[15] = 1};

    if (addr_ip_is_v4(ip))
        return ip->b[12] == 127;
    return memcmp(ip->b, one, sizeof one) == 0;
}

bool addr_ip_equal(const struct addr_ip *a, const struct addr_ip *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool addr_ip_near(const struct addr_ip *a, const struct addr_ip *b)
{
    bool v4 = addr_ip_is_v4(a);

    if (v4 != addr_ip_is_v4(b))
        return false;
    return memcmp(a->b, b->b, v4 ? 12 + 3 : 7) == 0;
}

struct addr_ip addr_ip_guest(const struct addr_ip *ip)
{
    struct addr_ip guest = *ip;

    if (!addr_ip_is_v4(ip) && !addr_ip_is_loopback(ip))
        memset(guest.b + 8, 0, 8);
    return guest;
}

void addr_from_sockaddr(const struct sockaddr *sa, struct addr_ip *out_ip,
                        uint16_t *out_port)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    memset(out_ip, 0, sizeof *out_ip);
    *out_port = 0;
    if (sa->sa_family == AF_INET) {
        memcpy(&v4, sa, sizeof v4);
        *out_ip = addr_ip_make(bytes_make(&v4.sin_addr, 4));
        *out_port = ntohs(v4.sin_port);
    } else if (sa->sa_family == AF_INET6) {
        memcpy(&v6, sa, sizeof v6);
        *out_ip = addr_ip_make(bytes_make(&v6.sin6_addr, 16));
        *out_port = ntohs(v6.sin6_port);
    }
}

void addr_format(const struct addr_ip *ip, uint16_t port,
                 char out[CHANNEL_ADDR_MAX])
{
    char host[INET6_ADDRSTRLEN];

    if (addr_ip_is_v4(ip)) {
        CHECK(inet_ntop(AF_INET, ip->b + 12, host, sizeof host) != NULL);
        snprintf(out, CHANNEL_ADDR_MAX, "%s:%u", host, port);
    } else {
        CHECK(inet_ntop(AF_INET6, ip->b, host, sizeof host) != NULL);
        snprintf(out, CHANNEL_ADDR_MAX, "[%s]:%u", host, port);
    }
}

static enum err parse_port(const char *text, uint16_t *out)
{
    unsigned long value;
    char *end;

    if (*text < '0' || *text > '9')
        return ERR_PARSE;
    errno = 0;
    value = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || value > UINT16_MAX)
        return ERR_PARSE;
    *out = (uint16_t)value;
    return OK;
}

/* Names and addresses only: what else could end up in a URL. */
static bool is_host(const char *host, size_t len, bool brackets)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_*";
    static const char v6[] = "0123456789abcdefABCDEF:.";

    if (len == 0)
        return !brackets;
    return strspn(host, brackets ? v6 : plain) >= len;
}

enum err addr_parse(const char *text, struct addr_parts *out)
{
    struct addr_parts parts;
    bool brackets = text[0] == '[';
    const char *host = brackets ? text + 1 : text;
    const char *end = brackets ? strchr(host, ']') : strrchr(host, ':');
    size_t len;

    if (end == NULL || strlen(text) >= CHANNEL_ADDR_MAX)
        return ERR_PARSE;
    len = (size_t)(end - host);
    if (brackets && *++end != ':')
        return ERR_PARSE;
    if (!is_host(host, len, brackets))
        return ERR_PARSE;
    memcpy(parts.host, host, len);
    parts.host[len] = '\0';
    TRY(parse_port(end + 1, &parts.port));
    *out = parts;
    return OK;
}

void addr_join(const struct addr_parts *parts, char out[CHANNEL_ADDR_MAX])
{
    bool brackets = strchr(parts->host, ':') != NULL;

    /* A parsed host leaves room for brackets and port, or is cut. */
    snprintf(out, CHANNEL_ADDR_MAX, brackets ? "[%.100s]:%u" : "%.110s:%u",
             parts->host, parts->port);
}

bool addr_host_is_any(const char *host)
{
    return host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 ||
           strcmp(host, "::") == 0 || strcmp(host, "*") == 0;
}

void addr_resolve(const char *advertised, const char *seen,
                  char out[CHANNEL_ADDR_MAX])
{
    struct addr_parts parts, from;

    out[0] = '\0';
    if (addr_parse(advertised, &parts) != OK || parts.port == 0)
        return;
    if (addr_host_is_any(parts.host)) {
        if (addr_parse(seen, &from) != OK)
            return;
        memcpy(parts.host, from.host, sizeof parts.host);
    }
    addr_join(&parts, out);
}
