#!/usr/bin/env python3
"""Makes ledger.hex: the ledger's formats written a second time, in another
language and from docs and headers alone. Run it only when a format changes on
purpose:  python3 tests/vectors/ledger.py > tests/vectors/ledger.hex
"""
import hashlib
import struct

# ---- primitives ----


def H(tag, data, key=b""):
    return hashlib.blake2b(data, digest_size=32, key=key,
                           person=tag.encode().ljust(16, b"\0")).digest()


# Ed25519 after RFC 8032, 5.1, in plain integers.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def xrecover(y):
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P)
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    return x if x % 2 == 0 else P - x


BY = 4 * pow(5, P - 2, P) % P
B = (xrecover(BY), BY)


def add(p, q):
    (x1, y1), (x2, y2) = p, q
    k = D * x1 * x2 * y1 * y2
    x3 = (x1 * y2 + x2 * y1) * pow(1 + k, P - 2, P)
    y3 = (y1 * y2 + x1 * x2) * pow(1 - k, P - 2, P)
    return x3 % P, y3 % P


def mul(p, n):
    q = (0, 1)
    while n:
        if n & 1:
            q = add(q, p)
        p = add(p, p)
        n >>= 1
    return q


def pack(p):
    x, y = p
    return (y | (x & 1) << 255).to_bytes(32, "little")


def expand(seed):
    h = hashlib.sha512(seed).digest()
    a = int.from_bytes(h[:32], "little")
    return (a & ((1 << 254) - 8)) | 1 << 254, h[32:]


def sign(seed, msg):
    a, prefix = expand(seed)
    pub = pack(mul(B, a))
    r = int.from_bytes(hashlib.sha512(prefix + msg).digest(), "little") % L
    rr = pack(mul(B, r))
    k = int.from_bytes(hashlib.sha512(rr + pub + msg).digest(), "little") % L
    return rr + ((r + k * a) % L).to_bytes(32, "little")


def seed(n):
    return struct.pack("<Q", n + 1) + bytes(24)


def pub(n):
    return pack(mul(B, expand(seed(n))[0]))


# ---- canonical msgpack ----


def uint(n):
    if n < 128:
        return bytes([n])
    for limit, head, fmt in ((8, 0xcc, ">B"), (16, 0xcd, ">H"),
                             (32, 0xce, ">I"), (64, 0xcf, ">Q")):
        if n < 1 << limit:
            return bytes([head]) + struct.pack(fmt, n)


def binary(b):
    return (b"\xc4" + struct.pack(">B", len(b)) if len(b) < 256
            else b"\xc5" + struct.pack(">H", len(b))) + b


def text(s):
    b = s.encode()
    return (bytes([0xa0 | len(b)]) if len(b) < 32
            else b"\xd9" + bytes([len(b)])) + b


def array(*items):
    head = (bytes([0x90 | len(items)]) if len(items) < 16
            else b"\xdc" + struct.pack(">H", len(items)))
    return head + b"".join(items)


# ---- formats ----


def tx(chain, kind, sender, nonce, expiry, fee, payload):
    body = array(uint(1), uint(1), binary(chain), uint(kind),
                 binary(pub(sender)), uint(nonce), uint(expiry), uint(fee),
                 binary(payload))
    sig = sign(seed(sender), H("suan-tx", chain + body))
    return array(binary(body), binary(sig))


def transfer(to, micro, memo):
    return array(binary(to), uint(micro), text(memo))


def header(chain, epoch, height, time_ms, parent, proposer, *roots):
    assert len(roots) == 6
    return (struct.pack("<H", 1) + chain +
            struct.pack("<QQQ", epoch, height, time_ms) + parent + proposer +
            b"".join(roots))


def block_id(h):
    return H("sx-hdr", h)


def voted(kind, epoch, view, parent_view, block):
    return struct.pack("<BQQQ", kind, epoch, view, parent_view) + block


def vote(chain, n, idx, *on):
    data = voted(*on)
    return data + struct.pack("<H", idx) + sign(seed(n), H("sx1", chain + data))


def cert(chain, n, signers, *on):
    data = voted(*on)
    bits = bytearray((n + 7) // 8)
    for idx in signers:
        bits[idx // 8] |= 1 << idx % 8
    sigs = b"".join(sign(seed(signers[i]), H("sx1", chain + data))
                    for i in sorted(signers))
    return data + struct.pack("<H", n) + bytes(bits) + sigs


def blob(data):
    return struct.pack("<I", len(data)) + data


def short(data):
    return struct.pack("<H", len(data)) + data


def page_item(page, *records):
    return short(page) + b"".join(short(k) + short(v) for k, v in records)


def sx_messages(chain, order, on):
    """One of each kind; what is inside a message need not hold."""
    parent = cert(chain, 4, {i: order[i] for i in (0, 1, 3)}, *on)
    null = cert(chain, 4, {i: order[i] for i in (1, 2, 3)}, 2, 7, 9, 0, ZERO)
    leader = vote(chain, order[2], 2, *on)
    headers = bytes(i % 251 for i in range(2 * 314))
    link = H("suan-tx", b"a link's key")
    return [
        ("propose", b"\1" + leader + blob(parent) + b"\2" + blob(null) +
         blob(null) + blob(b"a block")),
        ("repeat", b"\1" + leader + blob(b"") + b"\0" + blob(b"")),
        ("vote", b"\2" + leader),
        ("cert", b"\3" + parent),
        ("status", b"\4" + struct.pack("<QQQQQ", 7, 10, 8, 1234, 600) +
         blob(parent)),
        ("get-certs", b"\5" + struct.pack("<QQQ", 7, 3, 9)),
        ("get-block", b"\6" + H("sx-hdr", b"x")),
        ("block", b"\7" + b"a block"),
        ("get-finals", b"\x08" + struct.pack("<Q", 1235)),
        ("finals", b"\x09" + struct.pack("<QH", 2000, 2) + headers +
         blob(parent)),
        ("finals-whole", b"\x09" + struct.pack("<QH", 2000, 2) + headers +
         blob(parent) + blob(b"one") + blob(b"two")),
        ("link", b"\x0a" + pub(order[1]) +
         sign(seed(order[1]), H("sx-link", chain + link))),
        ("get-steps", b"\x0b" + struct.pack("<IQ", 5, 2)),
        ("steps", b"\x0c" + struct.pack("<IQB", 5, 3, 2) + blob(b"one") +
         blob(b"two") + b"\2" + H("sx-hdr", b"high") + H("sx-hdr", b"low")),
        ("get-pages", b"\x0d" + struct.pack("<IQB", 6, 3, 3) + b"\0" +
         b"\3\xab\xc0" + b"\x3f" + bytes(range(31)) + b"\xf0"),
        ("pages", b"\x0e" + struct.pack("<IQB", 6, 3, 2) +
         blob(page_item(b"a page", (b"\1k", b"v"), (b"\2kk", b""))) +
         blob(page_item(b"another"))),
    ]


def evidence(one, two):
    return min(one, two) + max(one, two)


def bond_proof(chain, owner, n):
    return sign(seed(n), H("suan-bond", chain + pub(owner) + pub(n)))


def bond_add(n, micro, proof=b""):
    return array(binary(pub(n)), uint(micro), binary(proof))


def bond_take(n, micro):
    return array(binary(pub(n)), uint(micro))


def bond(owner, bonded, slashed, jailed, unbondings):
    return (pub(owner) + struct.pack("<QQQB", bonded, slashed, jailed,
                                     len(unbondings)) +
            b"".join(struct.pack("<QQ", *u) for u in unbondings))


def result(txid, fee, subject, code, moved, accounts):
    return (txid + struct.pack("<IQ", 0, fee) + subject +
            struct.pack("<IQB", code, moved, len(accounts)) +
            b"".join(accounts))


def validators(items):
    items = sorted(items)
    return struct.pack("<H", len(items)) + b"".join(
        k + struct.pack("<Q", w) for k, w in items)


def leaders(items, root):
    items = sorted(items)
    n, total = len(items), sum(w for _, w in items)
    slots = []
    for i, (_, w) in enumerate(items):
        rounded = (4 * n * w + total) // (2 * total)
        slots += [i] * max(1, rounded)
    for i in range(len(slots) - 1, 0, -1):
        word = H("suan-set", struct.pack("<Q", i), key=root)
        j = struct.unpack("<Q", word[:8])[0] % (i + 1)
        slots[i], slots[j] = slots[j], slots[i]
    return b"".join(struct.pack("<H", s) for s in slots)


# ---- trees ----

ZERO = bytes(32)


def merkle(items):
    if not items:
        return ZERO

    def top(part):
        if len(part) == 1:
            return H("sx-merkle", b"\0" + part[0])
        half = 1
        while half * 2 < len(part):
            half *= 2
        return H("sx-merkle", b"\1" + top(part[:half]) + top(part[half:]))
    return H("sx-merkle", b"\2" + struct.pack("<I", len(items)) + top(items))


def mmr(ids):
    if not ids:
        return ZERO

    def perfect(part):
        if len(part) == 1:
            return H("sx-mmr", b"\0" + part[0])
        half = len(part) // 2
        return H("sx-mmr", b"\1" + perfect(part[:half]) + perfect(part[half:]))
    peaks, at = [], 0
    for bit in range(63, -1, -1):
        if len(ids) >> bit & 1:
            peaks.append(perfect(ids[at:at + (1 << bit)]))
            at += 1 << bit
    acc = peaks[-1]
    for peak in reversed(peaks[:-1]):
        acc = H("sx-mmr", b"\2" + peak + acc)
    return H("sx-mmr", b"\3" + struct.pack("<Q", len(ids)) + acc)


def smt(pairs):
    """pairs: path -> value hash. Straight from the three rules."""
    def bit(path, depth):
        return path[depth // 8] >> (7 - depth % 8) & 1

    def tree(part, depth):
        if not part:
            return ZERO
        if len(part) == 1:
            (path, value), = part
            return H("sx-node", b"\0" + path + value)
        left = tree([p for p in part if not bit(p[0], depth)], depth + 1)
        right = tree([p for p in part if bit(p[0], depth)], depth + 1)
        return H("sx-node", b"\1" + left + right)
    return tree(sorted(pairs.items()), 0)


def state_root(chain, records):
    return smt({H("sx-key", bytes([table]) + key, key=chain):
                H("sx-val", value) for (table, key), value in records.items()})


# ---- proofs ----


def merkle_place(items, index):
    """index, count and siblings of an item, for merkle()."""
    def top(part):
        if len(part) == 1:
            return H("sx-merkle", b"\0" + part[0])
        half = split(len(part))
        return H("sx-merkle", b"\1" + top(part[:half]) + top(part[half:]))

    def split(n):
        half = 1
        while half * 2 < n:
            half *= 2
        return half
    path, part, at = [], items, index
    while len(part) > 1:
        half = split(len(part))
        near, far = (part[:half], part[half:])
        if at >= half:
            near, far, at = far, near, at - half
        path.insert(0, top(far))
        part = near
    return struct.pack("<IIB", index, len(items), len(path)) + b"".join(path)


def smt_path(pairs, path):
    """The siblings on the way to a path, and what is there, for smt()."""
    def bit(p, depth):
        return p[depth // 8] >> (7 - depth % 8) & 1
    part, depth, siblings = sorted(pairs.items()), 0, []
    while len(part) > 1:
        siblings.append(smt_at([p for p in part if bit(p[0], depth)
                                != bit(path, depth)], depth + 1))
        part = [p for p in part if bit(p[0], depth) == bit(path, depth)]
        depth += 1
    bits = bytearray((depth + 7) // 8)
    for i, sibling in enumerate(siblings):
        if sibling != ZERO:
            bits[i // 8] |= 1 << i % 8
    way = b"".join(s for s in reversed(siblings) if s != ZERO)
    end = b"\0"
    if part:
        other, value = part[0]
        end = b"\1" + value if other == path else b"\2" + other + value
    return struct.pack("<H", depth) + bytes(bits) + way + end


def smt_at(part, depth):
    """smt() of what lies below a depth."""
    if not part:
        return ZERO
    if len(part) == 1:
        return H("sx-node", b"\0" + part[0][0] + part[0][1])
    sides = [[p for p in part if (p[0][depth // 8] >> (7 - depth % 8) & 1) == s]
             for s in (0, 1)]
    return H("sx-node", b"\1" + smt_at(sides[0], depth + 1) +
             smt_at(sides[1], depth + 1))


def mmr_path(ids, index):
    """index, count, siblings, other peaks, for mmr()."""
    def perfect(part):
        if len(part) == 1:
            return H("sx-mmr", b"\0" + part[0])
        half = len(part) // 2
        return H("sx-mmr", b"\1" + perfect(part[:half]) + perfect(part[half:]))
    path, peaks, at = [], [], 0
    for bit in range(63, -1, -1):
        size = 1 << bit
        if not len(ids) & size:
            continue
        part = ids[at:at + size]
        if at <= index < at + size:
            i = index - at
            while len(part) > 1:
                half = len(part) // 2
                near, far = part[:half], part[half:]
                if i >= half:
                    near, far, i = far, near, i - half
                path.insert(0, perfect(far))
                part = near
        else:
            peaks.append(perfect(part))
        at += size
    return struct.pack("<QQ", index, len(ids)) + b"".join(path + peaks)


def certified(head, c):
    return head + struct.pack("<I", len(c)) + c


def proof_state(head, c, chain, records, table, key):
    pairs = {H("sx-key", bytes([t]) + k, key=chain): H("sx-val", v)
             for (t, k), v in records.items()}
    value = records.get((table, key))
    record = bytes([table]) + struct.pack("<H", len(key)) + key + (
        b"\0" if value is None
        else b"\1" + struct.pack("<H", len(value)) + value)
    return (b"S\1" + certified(head, c) + record +
            smt_path(pairs, H("sx-key", bytes([table]) + key, key=chain)))


def proof_tx(head, c, older, t, res, items, results, index):
    return (b"T\1" + certified(head, c) + older + struct.pack("<I", len(t)) +
            t + res + merkle_place(items, index) +
            merkle_place(results, index))


def set_or_none(new):
    return struct.pack("<H", len(new)) + new


def step(head, c, new=b""):
    return b"E" + certified(head, c) + set_or_none(new)


def proof_genesis(g):
    return b"suan-proof\1\1" + struct.pack("<I", len(g)) + g


def proof_block(head, new):
    return b"suan-proof\1\2" + head + set_or_none(new)


# ---- a chain: the genesis and one block with one transfer ----

T0 = 1700000000000
PARAMS = sorted({"epoch_blocks": 5, "min_interval_ms": 1, "delay_ms": 60, "heartbeat_ms": 0,
                 "block_bytes": 524288, "block_txs": 4096,
                 "bond_min_micro": 1000000, "evidence_epochs": 6,
                 "unbond_epochs": 8, "slash_permille": 50}.items())
USERS, VALIDATOR, CREDIT = 4, 1000, 1000000


def genesis():
    accounts = sorted((pub(i), 100 * CREDIT) for i in range(USERS))
    return array(uint(2), uint(1), text("unit"), b"\xc3", uint(T0),
                 array(*[array(text(k), uint(v)) for k, v in PARAMS]),
                 array(array(binary(pub(VALIDATOR)), uint(CREDIT),
                             binary(pub(VALIDATOR)))),
                 array(*[array(binary(k), uint(v)) for k, v in accounts]))


def account(balance, nonce):
    return struct.pack("<QQ", balance, nonce)


def out(name, data):
    print(name, data.hex() or "-")


def light(chain, g, h0, h1, records, params, t, res):
    """Files over epochs whose validators change. The blocks between those that
    are shown do not exist: nobody who reads such a file sees them."""
    one = [(pub(VALIDATOR), CREDIT)]
    two = one + [(pub(VALIDATOR + i), 2 * CREDIT) for i in (1, 2)]
    sets = {2: one, 3: two, 4: two, 5: one}

    def head(epoch, height, state=ZERO, history=ZERO):
        return header(chain, epoch, height, T0 + height, ZERO, pub(VALIDATOR),
                      ZERO, ZERO, state, history,
                      H("suan-set", validators(sets[epoch + 1]))
                      if epoch < 5 else ZERO, params)

    def signed(h, epoch, view, silent=None):
        keys = sorted(k for k, _ in sets[epoch])
        number = {pub(VALIDATOR + i): VALIDATOR + i for i in range(3)}
        return cert(chain, len(keys),
                    {i: number[k] for i, k in enumerate(keys)
                     if number[k] != silent}, 3, epoch, view, 0, block_id(h))

    ends = {e: head(e, 5 * e) for e in (2, 3, 4)}
    # The smallest of three is not needed for a quorum of five credits.
    steps = {2: step(ends[2], signed(ends[2], 2, 9), validators(two)),
             3: step(ends[3], signed(ends[3], 3, 7, VALIDATOR)),
             4: step(ends[4], signed(ends[4], 4, 8), validators(one))}
    last = head(5, 21, state_root(chain, records))
    out("proof-absent", proof_genesis(g) + steps[2] + steps[3] + steps[4] +
        proof_state(last, signed(last, 5, 1), chain, records, 1, pub(77)))

    ids = [block_id(h0), block_id(h1)] + [H("sx-hdr", bytes([i]))
                                          for i in range(20)]
    last = head(5, 22, history=mmr(ids))
    path = mmr_path(ids, 1)
    older = struct.pack("<H", len(path)) + h1 + path
    item, result_item = H("sx-merkle", b"\2" + H("suan-tx", t)), H(
        "suan-result", res)
    out("proof-old", proof_block(ends[3], validators(two)) + steps[4] +
        proof_tx(last, signed(last, 5, 2), older, t, res, [item],
                 [result_item], 0))
    out("proof-old-trusted", block_id(ends[3]))


def main():
    print("# name bytes -- the ledger's formats and roots, made by ledger.py,")
    print("# which shares no code with the program.")
    g = genesis()
    chain = H("suan-genesis", g)
    out("genesis", g)
    out("chain", chain)

    t = tx(chain, 1, 0, 0, 1000000, 10000, transfer(pub(1), 500, ""))
    out("tx", t)
    out("tx-id", H("suan-tx", t))
    big = tx(chain, 150, 3, 2**40, 2**63, 2**33, bytes(range(256)) * 2)
    out("tx-big", big)

    items = [(pub(i), w) for i, w in enumerate((10, 20, 30, 1))]
    out("set", validators(items))
    out("set-hash", H("suan-set", validators(items)))
    out("leaders", leaders(items, ZERO[:-1] + b"\7"))
    order = sorted(range(4), key=pub)
    on = (1, 7, 9, 8, H("sx-hdr", b"x"))
    out("vote", vote(chain, order[2], 2, *on))
    out("cert", cert(chain, 4, {i: order[i] for i in (0, 1, 3)}, *on))
    out("nullify", vote(chain, order[0], 0, 2, 7, 9, 0, ZERO))

    for name, message in sx_messages(chain, order, on):
        out("sx-" + name, message)

    out("result", result(H("suan-tx", t), 10000, ZERO, 0, 500, [pub(1)]))
    ids = [H("sx-hdr", struct.pack("<I", i)) for i in range(100)]
    for n in (0, 1, 2, 3, 5, 8, 100):
        out("merkle:%d" % n, merkle(ids[:n]))
        out("mmr:%d" % n, mmr(ids[:n]))
        out("smt:%d" % n, smt({ids[i]: ids[99 - i] for i in range(n)}))

    # The same world as tests/unit/ledger/fixture.h.
    encoded = array(*[array(text(k), uint(v)) for k, v in PARAMS])
    params = H("suan-params", encoded)
    first_set = H("suan-set", validators([(pub(VALIDATOR), CREDIT)]))
    records = {(3, k.encode()): struct.pack("<Q", v) for k, v in PARAMS}
    records[(3, b"supply")] = struct.pack(
        "<Q", USERS * 100 * CREDIT + CREDIT)
    records[(4, pub(VALIDATOR))] = bond(VALIDATOR, CREDIT, 0, 0, [])
    vault, slashed = H("suan-bond", pub(VALIDATOR)), H("suan-bond", b"slashed")
    records[(2, vault)] = struct.pack("<Q", CREDIT)
    records[(7, b"stake")] = struct.pack("<QQQ", CREDIT, 0, 0)
    for i in range(USERS):
        records[(1, pub(i))] = account(100 * CREDIT, 0)
    h0 = header(chain, 0, 0, T0, ZERO, ZERO, ZERO, ZERO,
                state_root(chain, records), ZERO, first_set, params)
    out("block0-id", block_id(h0))

    records[(1, pub(0))] = account(100 * CREDIT - 500 - 10000, 1)
    records[(1, pub(1))] = account(100 * CREDIT + 500, 0)
    records[(1, pub(VALIDATOR))] = account(10000, 0)
    records[(7, b"stake")] = struct.pack("<QQQ", CREDIT, CREDIT, 0)
    records[(8, struct.pack(">QB", 1, 0))] = pub(VALIDATOR)
    res = result(H("suan-tx", t), 10000, ZERO, 0, 500, [pub(1)])
    h1 = header(chain, 1, 1, T0 + 1, block_id(h0), pub(VALIDATOR),
                merkle([H("sx-merkle", b"\2" + H("suan-tx", t))]),
                merkle([H("suan-result", res)]),
                state_root(chain, records), mmr([block_id(h0)]), first_set,
                params)
    out("block1", h1 + struct.pack("<HI", 0, 1) + struct.pack("<I", len(t)) + t)
    out("block1-id", block_id(h1))

    # Proof files of it, as the chain writes them.
    c = cert(chain, 1, {0: VALIDATOR}, 3, 1, 1, 0, block_id(h1))
    out("proof-balance", proof_genesis(g) +
        proof_state(h1, c, chain, records, 1, pub(1)))
    item, result_item = H("sx-merkle", b"\2" + H("suan-tx", t)), H(
        "suan-result", res)
    out("proof-payment", proof_genesis(g) +
        proof_tx(h1, c, struct.pack("<H", 0), t, res, [item], [result_item], 0))
    light(chain, g, h0, h1, records, params, t, res)

    # The same block with evidence against the validator in front.
    one = vote(chain, VALIDATOR, 0, 1, 1, 3, 2, H("sx-hdr", b"x"))
    two = vote(chain, VALIDATOR, 0, 1, 1, 3, 2, H("sx-hdr", b"y"))
    proof = evidence(one, two)
    out("evidence", proof)
    out("evidence-hash", H("suan-evidence", proof))
    lost = CREDIT * 50 // 1000
    records[(2, vault)] = struct.pack("<Q", CREDIT - lost)
    records[(2, slashed)] = struct.pack("<Q", lost)
    records[(4, pub(VALIDATOR))] = bond(VALIDATOR, CREDIT - lost, lost, 1, [])
    records[(7, b"stake")] = struct.pack("<QQQ", 0, CREDIT, CREDIT)
    records[(9, struct.pack(">QQH", 1, 3, 0))] = pub(VALIDATOR)
    h1 = header(chain, 1, 1, T0 + 1, block_id(h0), pub(VALIDATOR),
                merkle([H("sx-merkle", b"\1" + H("suan-evidence", proof)),
                        H("sx-merkle", b"\2" + H("suan-tx", t))]),
                merkle([H("suan-result", res)]),
                state_root(chain, records), mmr([block_id(h0)]), first_set,
                params)
    out("block1-accused", h1 + struct.pack("<H", 1) + proof +
        struct.pack("<I", 1) + struct.pack("<I", len(t)) + t)
    out("block1-accused-id", block_id(h1))

    out("bond-add", bond_add(7, 5 * CREDIT, bond_proof(chain, 2, 7)))
    out("bond-more", bond_add(7, 2 * CREDIT))
    out("bond-take", bond_take(7, 3 * CREDIT))
    out("bond-withdraw", array(binary(pub(7))))
    out("bond-record", bond(2, 4 * CREDIT, 500, 3, [(12, 2), (13, CREDIT)]))


main()
