#include "node/net/road.h"

/* Not <netinet/tcp.h>: what it knows of TCP_INFO ends before the rate. */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

bool road_read(int fd, struct road *out)
{
    struct tcp_info info;
    socklen_t len = sizeof info;

    memset(&info, 0, sizeof info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
        len < offsetof(struct tcp_info, tcpi_delivery_rate) +
                  sizeof info.tcpi_delivery_rate)
        return false;
    out->kbps = info.tcpi_delivery_rate / 125;
    out->idle = info.tcpi_delivery_rate_app_limited != 0;
    out->segments = info.tcpi_data_segs_out;
    out->again = info.tcpi_total_retrans;
    return true;
}
