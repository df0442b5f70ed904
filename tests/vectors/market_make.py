#!/usr/bin/env python3
"""Makes market.hex and market_price.hex without any of the program's code.

An independent spelling of docs/protocol.md in plain Python 3: canonical
msgpack, BLAKE2b with domain tags, ed25519 after RFC 8032. The nouns are those
of tests/unit/market/world.h. Run it in this directory; the output is checked
in, and changes only when the protocol's version does.
"""
import hashlib
import random

# ---- bytes ----


def uint(n):
    for limit, head, size in ((0x80, b"", 1), (1 << 8, b"\xcc", 1),
                              (1 << 16, b"\xcd", 2), (1 << 32, b"\xce", 4),
                              (1 << 64, b"\xcf", 8)):
        if n < limit:
            return head + n.to_bytes(size, "big")
    raise ValueError(n)


def pack(value):
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return uint(value)
    if isinstance(value, bytes):
        n = len(value)
        if n < 1 << 8:
            return b"\xc4" + n.to_bytes(1, "big") + value
        return b"\xc5" + n.to_bytes(2, "big") + value
    if isinstance(value, str):
        raw = value.encode()
        n = len(raw)
        if n < 32:
            return bytes([0xa0 | n]) + raw
        return b"\xd9" + n.to_bytes(1, "big") + raw
    n = len(value)
    head = bytes([0x90 | n]) if n < 16 else b"\xdc" + n.to_bytes(2, "big")
    return head + b"".join(pack(item) for item in value)


def digest(tag, *parts):
    h = hashlib.blake2b(digest_size=32, person=tag.encode().ljust(16, b"\0"))
    for part in parts:
        h.update(part)
    return h.digest()


# ---- ed25519, RFC 8032 section 5.1, slow and plain ----

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def x_of(y):
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P)
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * ROOT % P
    return P - x if x % 2 else x


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    return ((x1 * y2 + x2 * y1) * pow(1 + t, P - 2, P) % P,
            (y1 * y2 + x1 * x2) * pow(1 - t, P - 2, P) % P)


GY = 4 * pow(5, P - 2, P) % P
G = (x_of(GY), GY)


def times(n, point):
    out = (0, 1)
    while n:
        if n & 1:
            out = add(out, point)
        point = add(point, point)
        n >>= 1
    return out


def point_bytes(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


class Key:
    def __init__(self, fill):
        h = hashlib.sha512(bytes([fill]) * 32).digest()
        self.a = int.from_bytes(h[:32], "little") & ~7 & ~(1 << 255) | 1 << 254
        self.prefix = h[32:]
        self.public = point_bytes(times(self.a, G))

    def sign(self, message):
        def number(*parts):
            h = hashlib.sha512(b"".join(parts)).digest()
            return int.from_bytes(h, "little")
        r = number(self.prefix, message) % Q
        big_r = point_bytes(times(r, G))
        s = (r + number(big_r, self.public, message) * self.a) % Q
        return big_r + s.to_bytes(32, "little")


BUYER, AGENT, PROVIDER, PAYOUT = Key(1), Key(2), Key(3), Key(4)
CHAIN = bytes([0x11]) * 32
T0 = 1700000000000
out = []


def line(name, raw):
    out.append(f"{name} {raw.hex()}")


def signed(name, tag, fields, *keys):
    d = digest(tag, CHAIN, pack(fields))
    whole = pack(fields + [key.sign(d) for key in keys])
    line(name + ".digest", d)
    line(name, whole)
    return d, whole


# ---- the nouns ----

want = [2000, 1024, 512, 0]
price = [20000, 3000, 100]
grade = [2500000000, 1800000000, 9000000000, 400000000, T0 - 5000, 3, False, 2,
         1000000000000, [600000000, 3600000000, 14000000000, 8000000, 10000, 0],
         [5000000000, 1200000000, 3600000000, 7200000000, 28000000000,
          15000000000, 16000000]]
hour = 40000 + 3000 + 50
cap = hour

spec = pack([50, 1, b"\x21" * 32, [b"render", b"%t/%n"], [[b"LANG", b"C"]],
             b"\x22" * 32, [b"*.png"], want, 64, 3600000, 1048576,
             [[b"\x24" * 32, 3, b"parts"]], []])
line("spec", spec)
line("spec.hash", digest("suan-spec", spec))

signed("offer", "suan-offer",
       [51, 1, PROVIDER.public, PAYOUT.public, 7, T0, 240000,
        "127.0.0.1:7001", "127.0.0.1:7002", "north", 1,
        [8000, 16384, 102400, 0], [6000, 8192, 51200, 0], 3, 86400000, price, grade,
        [["zone", "eu"]], [], [], [0, 0, 0, 0]], PROVIDER)


signed("links", "suan-links",
       [57, 1, PROVIDER.public, 9, T0, 180000,
        [[b"\x51" * 32, 851, 1, 121, 694201, 940001, 0, 2500, 1200, 600000, 3],
         [b"\x52" * 32, 145001, 0, 0, 0, 0, 0, 0, 1, 0, 0]]], PROVIDER)

request_id, request = signed(
    "request", "suan-request",
    [52, 1, BUYER.public, AGENT.public, b"\x31" * 16, T0, T0 + 300000,
     b"\x23" * 32, 4, 3, want, 3600000, 1, 1, 50000, bytes(32),
     [["zone", 1, "eu"]], [], [], [], [0, "", 0], [],
     [[0] * 6, 0, bytes(32), 3, 0, True, 3, [[5, bytes(32), "zone", "eu"]],
      0], 0], BUYER)

_, approval = signed("approval", "suan-approval",
                     [53, 1, request_id, 45000, T0 + 300000], BUYER)

start_by = T0 + 420000
deadline = start_by + 3600000 + 600000
_, quote = signed(
    "quote", "suan-quote",
    [54, 1, request_id, 1, 0, PROVIDER.public, PAYOUT.public, 7, price, hour,
     cap, 4305, grade, 850, start_by, deadline, 86400000, T0 + 120000,
     ["", 0, 0]], PROVIDER)

# ---- with everything a task may wish for ----

wish = [1, 2, 500, 40960, ["a100", "h100"]]
nic = [2000, 1024, 512, 100000]
spec_wishes = pack([50, 1, b"\x21" * 32, [b"render", b"%t/%n"],
                    [[b"LANG", b"C"]], b"\x22" * 32, [b"*.png"], nic, 64,
                    3600000, 1048576, [[b"\x24" * 32, 3, b"parts"]], wish])
line("spec.wishes", spec_wishes)

signed("offer.wishes", "suan-offer",
       [51, 1, PROVIDER.public, PAYOUT.public, 7, T0, 240000,
        "127.0.0.1:7001", "127.0.0.1:7002", "north", 1,
        [8000, 16384, 102400, 1000000], [6000, 8192, 51200, 900000], 3,
        86400000, price, grade, [["zone", "eu"]],
        [[1, "a100", 2, 40960, 700000, [1000, 250]],
         [4, "", 1, 0, 1, [0]]],
        [["gpu", "only", 1], ["lab", "", 1]],
        [3, 61, 90000, 7200000]], PROVIDER)

wishes_id, _ = signed(
    "request.wishes", "suan-request",
    [52, 1, BUYER.public, AGENT.public, b"\x31" * 16, T0, T0 + 300000,
     b"\x23" * 32, 4, 3, nic, 3600000, 1, 1, 0, bytes(32),
     [["zone", 1, "eu"]], wish, [["gpu", 1, "only"], ["lab", 3, ""]],
     ["eu", "uk/london"], [1, "rack", 2],
     [[b"\x51" * 32, False], [b"\x52" * 32, True]],
     [[0] * 6, 0, bytes(32), 6, 2, False, 0, [], 1000000], 1800000],
    BUYER)

hour_wishes = hour + 700000  # two halves of a device
signed("quote.wishes", "suan-quote",
       [54, 1, wishes_id, 1, 0, PROVIDER.public, PAYOUT.public, 7, price,
        hour_wishes, hour_wishes, 74305, grade, 850, start_by, deadline,
        86400000, T0 + 120000, ["a100", 40960, 700000]], PROVIDER)

contract_id = digest("suan-contract", request_id,
                     (1).to_bytes(8, "little"), (0).to_bytes(8, "little"))
line("contract.id", contract_id)

_, receipt = signed("receipt", "suan-receipt",
                    [55, 1, contract_id, 3, 600000, 1199000, 700, 4096, 7175],
                    PROVIDER, AGENT)

line("contract", pack(
    [56, 1, request_id, 1, 0, 1, BUYER.public, AGENT.public, PROVIDER.public,
     PAYOUT.public, hour, cap, 4305, 2000, 3600000, T0 + 10000, start_by,
     deadline, 0, 0, 0, 0, 0, False, 0, 0, bytes(32), bytes(32), 0, 0, 0, 0]))

# ---- the payloads ----

line("open", pack([100, 1, request, approval, quote]))
line("deliver", pack([101, 1, contract_id, 10, 0, b"\x41" * 32, b"\x42" * 32,
                      receipt]))
line("refuse", pack([102, 1, contract_id, 22]))
line("expire", pack([103, 1, contract_id, receipt]))
line("expire.bare", pack([103, 1, contract_id, b""]))
line("claim", pack([104, 1, contract_id, receipt]))
line("settle", pack([105, 1, contract_id]))

with open("market.hex", "w") as file:
    file.write("# name bytes -- the nouns of tests/unit/market/world.h, made "
               "by market_make.py.\n")
    file.write("\n".join(out) + "\n")

# ---- prices ----

MAX = 2**64 - 1


def ceil_div(a, b):
    return -(-a // b)


def price_line(prices, wants, wall):
    shares = [ceil_div(p * w, d)
              for p, w, d in zip(prices, wants, (1000, 1024, 1024, 1000))]
    hours = sum(shares)
    name = ":".join(str(n) for n in list(prices) + list(wants) + [wall])
    if max(shares) > MAX or hours > MAX:
        return f"{name} -"
    cost = ceil_div(hours * wall, 3600000)
    raw = hours.to_bytes(8, "big")
    if cost <= MAX:
        raw += cost.to_bytes(8, "big")
    return f"{name} {raw.hex()}"


cases = [
    ((20000, 3000, 100, 0), (2000, 1024, 512, 0), 3600000),
    ((20000, 3000, 100, 0), (2000, 1024, 512, 0), 0),
    ((1, 1, 1, 0), (1, 1, 1, 0), 1),
    ((0, 0, 0, 0), (64000, 262144, 1048576, 0), 86400000),
    ((1, 0, 0, 0), (1000, 1, 1, 0), 3600000),
    ((1, 0, 0, 0), (1000, 1, 1, 0), 3600001),
    ((1, 0, 0, 0), (1001, 1, 1, 0), 3599999),
    ((MAX, 0, 0, 0), (1000, 0, 0, 0), 3600000),
    ((MAX, 0, 0, 0), (1000, 0, 0, 0), 3600001),
    ((MAX, 0, 0, 0), (1001, 0, 0, 0), 1),
    ((0, MAX, 0, 0), (0, 1025, 0, 0), 1),
    ((0, 0, MAX, 0), (0, 0, MAX, 0), 1),
    ((MAX - 1, 1, 1, 0), (1000, 1024, 1024, 0), 1),
    ((MAX - 2, 1, 1, 0), (1000, 1024, 1024, 0), 3600000),
    ((MAX, MAX, MAX, 0), (999, 1, 1, 0), MAX),
    ((0, 0, 0, 500000), (1, 1, 1, 500), 3600000),
    ((20000, 3000, 100, 1), (2000, 1024, 512, 1), 3600000),
    ((0, 0, 0, 7), (0, 0, 0, 16000), 1800000),
    ((0, 0, 0, MAX), (0, 0, 0, 1000), 3600000),
    ((0, 0, 0, MAX), (0, 0, 0, 1001), 1),
    ((1, 0, 0, MAX), (1000, 0, 0, 1000), 1),
    ((0, 0, 0, MAX), (0, 0, 0, 0), 1),
]
rng = random.Random(7)
for _ in range(120):
    bits = rng.choice((4, 20, 40, 64))
    cases.append((tuple(rng.getrandbits(bits) for _ in range(4)),
                  (rng.getrandbits(rng.choice((4, 12, 32))),
                   rng.getrandbits(rng.choice((8, 16, 64))),
                   rng.getrandbits(rng.choice((8, 16, 64))),
                   rng.choice((0, 1, 500, 1000, 16000))),
                  rng.getrandbits(rng.choice((8, 22, 35, 64)))))
with open("market_price.hex", "w") as file:
    file.write("# cpu_hour:mem_hour:disk_hour:device_hour:cpu_milli:"
               "mem_mib:disk_mib:device_milli:wall_ms hour cost\n# u64 big-endian each; no cost where it "
               "does not fit 64 bits, - where the hour does not.\n# Made by "
               "market_make.py.\n")
    file.write("\n".join(price_line(*case) for case in cases) + "\n")
