#!/usr/bin/env python3
"""switch.py PREFIX COUNT RULES: a network of COUNT namespaces PREFIX-1.. with
the addresses 10.77.0.1.., joined by a switch whose cables can be cut. RULES is a
file that is read again when it changes, one rule a line:

  cut A B     frames from A to B are lost (this direction; * is everybody)
  delay MS    each frame is late by so much
  loss P      of a hundred frames P are lost
  seed N      of those dice

The namespaces go when it ends (SIGTERM). Needs root, /dev/net/tun and ip."""
import fcntl
import heapq
import os
import random
import select
import signal
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
prefix, count, rules_path = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def ip(*words, check=True):
    subprocess.run(("ip",) + words, check=check, stderr=None if check else subprocess.DEVNULL)


def plug(i):
    """A namespace and our end of its only cable."""
    space, name = f"{prefix}-{i}", f"sw{os.getpid() % 100000}-{i}"
    ip("netns", "add", space)
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    ip("link", "set", name, "address", f"02:00:00:00:00:{i:02x}", "netns", space)
    ip("-n", space, "link", "set", "lo", "up")
    ip("-n", space, "address", "add", f"10.77.0.{i}/24", "dev", name)
    ip("-n", space, "link", "set", name, "txqueuelen", "20000", "up")  # a burst waits, and is not lost
    return fd


class Rules:
    def __init__(self):
        self.stamp, self.cuts, self.delay, self.loss = None, set(), 0.0, 0.0
        self.dice = random.Random(1)

    def read(self):
        stamp = os.stat(rules_path).st_mtime_ns
        if stamp == self.stamp:
            return
        self.stamp, self.cuts, self.delay, self.loss = stamp, set(), 0.0, 0.0
        for line in open(rules_path):
            words = line.split()
            if words and words[0] == "cut":
                self.cuts.add((words[1], words[2]))
            elif words and words[0] == "delay":
                self.delay = float(words[1]) / 1000
            elif words and words[0] == "loss":
                self.loss = float(words[1]) / 100
            elif words and words[0] == "seed":
                self.dice = random.Random(int(words[1]))

    def lost(self, a, b):
        a, b = str(a), str(b)
        return (not self.cuts.isdisjoint(((a, b), (a, "*"), ("*", b)))
                or self.loss > 0 and self.dice.random() < self.loss)


def run(cables):
    rules, late, order, looked = Rules(), [], 0, 0.0
    number = {fd: i for i, fd in cables.items()}
    while True:
        now = time.monotonic()
        if now >= looked + 0.02:
            rules.read()
            looked = now
        while late and late[0][0] <= now:
            _, _, to, frame = heapq.heappop(late)
            deliver(cables[to], frame)
        wait = min(0.02, max(0.0, late[0][0] - now)) if late else 0.02
        for fd in select.select(list(number), [], [], wait)[0]:
            for frame in frames(fd):
                source, everybody = number[fd], frame[0] & 1
                for to in cables if everybody else (frame[5],):
                    if to == source or to not in cables or rules.lost(source, to):
                        continue
                    if rules.delay > 0:
                        order += 1
                        heapq.heappush(late, (now + rules.delay, order, to, frame))
                    else:
                        deliver(cables[to], frame)


def frames(fd):
    """What waits on a cable, some of it: the others wait for their turn."""
    try:
        for _ in range(32):
            yield os.read(fd, 65536)
    except BlockingIOError:
        pass


def deliver(fd, frame):
    try:
        os.write(fd, frame)
    except OSError:  # its queue is full, as on a wire
        pass


def stop(*_):
    raise SystemExit


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, signal.SIG_IGN)
cables = {}
try:
    open(rules_path, "a").close()
    for i in range(1, count + 1):
        cables[i] = plug(i)
    print("plugged", flush=True)
    run(cables)
finally:
    for i in range(1, count + 1):
        ip("netns", "delete", f"{prefix}-{i}", check=False)
