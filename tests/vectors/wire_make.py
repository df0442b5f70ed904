#!/usr/bin/env python3
"""Makes wire.hex without any of the program's code: what docs/protocol.md says
of links, bulk transfers, the channel and blobs, in plain Python 3. The values
are those of tests/unit/node/test_wire_vectors.c. Run it in this directory; the
output is checked in, and changes only when the protocol's version does.
"""
import hashlib


def pack(value):
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        if value < 0x80:
            return bytes([value])
        for head, size in ((0xcc, 1), (0xcd, 2), (0xce, 4), (0xcf, 8)):
            if value < 1 << (8 * size):
                return bytes([head]) + value.to_bytes(size, "big")
        raise ValueError(value)
    if isinstance(value, str):
        raw = value.encode()
        if len(raw) < 32:
            return bytes([0xa0 | len(raw)]) + raw
        return b"\xd9" + len(raw).to_bytes(1, "big") + raw
    if isinstance(value, bytes):
        if len(value) < 256:
            return b"\xc4" + len(value).to_bytes(1, "big") + value
        return b"\xc5" + len(value).to_bytes(2, "big") + value
    head = (bytes([0x90 | len(value)]) if len(value) < 16
            else b"\xdc" + len(value).to_bytes(2, "big"))
    return head + b"".join(pack(item) for item in value)


def digest(tag, data):
    return hashlib.blake2b(data, digest_size=32,
                           person=tag.encode().ljust(16, b"\0")).digest()


def id32(fill):
    return bytes([fill]) * 32


out = []


def line(name, raw):
    out.append(f"{name} {raw.hex()}")


MAX = 2**64 - 1
T0 = 1700000000000
BODY = bytes(range(5))

# ---- links: kind, version, fields ----

line("sx", pack([1, 1, BODY]))
line("txs", pack([4, 1, [BODY, b"another"]]))
line("tx_refused", pack([5, 1, id32(0x02), 201]))
line("offer", pack([10, 1, BODY]))
line("links", pack([12, 1, BODY]))
line("peers", pack([11, 1, [["192.0.2.7:7741", id32(0x03)],
                            ["[2001:db8::1]:7741", id32(0x04)]]]))
line("peers:none", pack([11, 1, []]))
line("hold", pack([20, 1, b"a request", 3, 1, 850]))
line("hold:most", pack([20, 1, b"", 1023, 255, MAX]))
line("quote", pack([21, 1, BODY]))
line("hold_refused", pack([22, 1, id32(0x05), 3, 1, 309, [500, 1024, 2048, 0]]))
line("hold_release", pack([23, 1, id32(0x05), 3, 1]))
line("start", pack([30, 1, id32(0x06), b"a spec", "192.0.2.8:7742"]))
line("job_state", pack([31, 1, id32(0x06), 5, 200, 70000, 2**32, 5, 255, 256,
                        0, 0, 0, "rendering", 1700000000000]))
line("job_state:end", pack([31, 1, id32(0x06), 8, 0, 0, 0, 0, 0, 0, 0, 22, 137,
                            "", 0]))
line("log_get", pack([32, 1, id32(0x06), 2, 65536]))
line("log", pack([33, 1, id32(0x06), 1, 128, b"hello\n", False]))
line("log:end", pack([33, 1, id32(0x06), 2, 134, b"", True]))
line("receipt", pack([34, 1, BODY]))
line("receipt_ack", pack([35, 1, BODY]))
line("cancel", pack([36, 1, id32(0x06)]))
line("ask", pack([37, 1, id32(0x06)]))
line("grant", pack([38, 1, id32(0x06), id32(0x07)]))
line("audit_ask", pack([50, 1, id32(0x0c), 2, 1024, 39]))
line("audit_done", pack([51, 1, id32(0x0c), [id32(0x0d), id32(0x0e)]]))
line("audit_open", pack([52, 1, id32(0x0c), 38, 131072]))
line("audit_part", pack([53, 1, id32(0x0c), 38, 131072, b"\0\1\2\3\4"]))
line("audit_refused", pack([54, 1, id32(0x0c), 606]))

# ---- bulk transfers ----

line("get_manifest", pack([1, 1, id32(0x07)]))
line("manifest", pack([2, 1, id32(0x07), b"a manifest"]))
line("get_chunk", pack([3, 1, id32(0x07), 31999]))
line("chunk", pack([4, 1, id32(0x07), 0, b"content"]))
line("refused", pack([5, 1, id32(0x07), 12, 6]))
line("refused:whole", pack([5, 1, id32(0x07), 2**32 - 1, 115]))
line("get_probe", pack([6, 1, id32(0x07), 31]))

# ---- the channel: payloads of the handshake, and what vouches for a key ----

line("channel_offer", pack([1, 1, 1, 1, id32(0x11), 1]))
line("channel_hello", pack([2, 1, id32(0x08), T0, b"\x09" * 64, 6, 4711,
                            "0.0.0.0:7741", "0.0.0.0:7742", "suan/1.0.0"]))
line("channel_statement",
     digest("suan-noise", id32(0x11) + b"suan-noise-static-v1" + id32(0x0a) +
            T0.to_bytes(8, "little")))

# ---- blobs ----

CHUNK = 256 * 1024
content = b"\xab" * (CHUNK + 1)
chunks = [digest("suan-chunk", content[i:i + CHUNK])
          for i in range(0, len(content), CHUNK)]
manifest = pack([1, 1, len(content), b"".join(chunks)])
line("blob_chunk:0", chunks[0])
line("blob_chunk:1", chunks[1])
line("blob_manifest", manifest)
line("blob_id", digest("suan-blob", manifest))
line("blob_manifest:empty", pack([1, 1, 0, b""]))
line("blob_id:empty", digest("suan-blob", pack([1, 1, 0, b""])))
line("blob_tree", pack([2, 1, [["a/b", 0o644, 7, id32(0x0b)],
                               ["a/run.sh", 0o755, len(content),
                                digest("suan-blob", manifest)]]]))

with open("wire.hex", "w") as file:
    file.write("# name bytes -- what crosses a wire between nodes, made by "
               "wire_make.py,\n# which shares no code with the program.\n")
    file.write("\n".join(out) + "\n")
