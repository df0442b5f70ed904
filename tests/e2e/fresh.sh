#!/usr/bin/env bash
# fresh.sh: a bare Debian 12, a clone of this repository, and the README's first
# steps in it: what a missing install step would break, breaks here.
# The first run makes the root (a minute); FRESH_ROOT keeps it for the next.
set -euo pipefail
top=$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")
[ "$(id -u)" -eq 0 ] || { echo "skipped: making a Debian root needs root"; exit 77; }
command -v mmdebstrap >/dev/null || apt-get install -y -qq mmdebstrap >/dev/null
root=$(mktemp -d /var/tmp/suan-fresh-XXXX)
cleanup() {
    umount -R "$root/proc" 2>/dev/null || true
    rm -rf --one-file-system "$root"
}
trap cleanup EXIT
echo "making a bare Debian 12"
mmdebstrap --variant=minbase --include=ca-certificates,git bookworm "$root" 2>&1 | tail -n 2
for file in /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/apt.conf.d /etc/resolv.conf /etc/hosts; do
    [ -e "$file" ] && cp -a "$file" "$root${file%/*}/"
done
echo "cloning"
git -C "$top" bundle create "$root/root/suan.bundle" HEAD 2>/dev/null
mount -t proc proc "$root/proc"
in_root() { chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
in_root git clone -q /root/suan.bundle /root/suan
echo "./run test quick"
in_root sh -c 'cd /root/suan && ./run && ./run test quick'
echo "plain cmake"
in_root sh -c 'cd /root/suan && cmake -B build/plain >/dev/null && cmake --build build/plain -j 2 --target suan suand | tail -n 1 && build/plain/bin/suan version'
echo "a fresh machine builds and passes"
