#ifndef NODE_NET_ADDR_H
#define NODE_NET_ADDR_H

/* Network addresses: the text "host:port" that people write, and the IP address
 * of a connection as bytes, by which guests are counted. */

#include "base/bytes.h"
#include "node/net/channel.h"

struct sockaddr;

/* An IPv4 address is kept as the IPv6 address ::ffff:a.b.c.d. */
struct addr_ip {
    uint8_t b[16];
};

bool addr_ip_is_v4(const struct addr_ip *ip);
bool addr_ip_is_loopback(const struct addr_ip *ip);
bool addr_ip_equal(const struct addr_ip *a, const struct addr_ip *b);
/* Whether both are in one /24 (IPv4) or one /56 (IPv6). */
bool addr_ip_near(const struct addr_ip *a, const struct addr_ip *b);
/* All of a /64 is one guest in IPv6: its low half is cut off. */
struct addr_ip addr_ip_guest(const struct addr_ip *ip);
/* From 4 or 16 bytes in network order (CHECKed). */
struct addr_ip addr_ip_make(struct bytes bytes);

/* Any family but the two gives ::. */
void addr_from_sockaddr(const struct sockaddr *sa, struct addr_ip *out_ip,
                        uint16_t *out_port);
/* "1.2.3.4:5" or "[2001:db8::1]:5". */
void addr_format(const struct addr_ip *ip, uint16_t port,
                 char out[CHANNEL_ADDR_MAX]);

/* "host:port" or "[v6]:port" apart; host gets no brackets. ERR_PARSE. */
struct addr_parts {
    char host[CHANNEL_ADDR_MAX];
    uint16_t port;
};
MUST_USE enum err addr_parse(const char *text, struct addr_parts *out);
/* Puts them together again. */
void addr_join(const struct addr_parts *parts, char out[CHANNEL_ADDR_MAX]);
/* A host that stands for all of them: "0.0.0.0", "::", "*", "". */
bool addr_host_is_any(const char *host);

/* An advertised address as seen by a peer: a host that stands for all is
 * replaced by the host of `seen`. "" stays "". */
void addr_resolve(const char *advertised, const char *seen,
                  char out[CHANNEL_ADDR_MAX]);

#endif
