#!/usr/bin/env bash
# fresh.sh: a bare Debian 12, a clone of this repository, and the README's first
# steps in it: what a missing install step would break, breaks here. Packages
# come from where this machine's come from. Minutes; needs root.
# FRESH_ROOT=PATH keeps the bare root as PATH.tar and uses it the next time.
set -euo pipefail
top=$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")
[ "$(id -u)" -eq 0 ] || { echo "skipped: making a Debian root needs root"; exit 77; }
command -v mmdebstrap >/dev/null || {
    echo "skipped: mmdebstrap is not installed. Try: apt-get install mmdebstrap"
    exit 77
}
work=$(mktemp -d /var/tmp/suan-fresh-XXXX)
root=$work/root
cleanup() {
    umount "$root/proc" 2>/dev/null || true
    rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
chmod 755 "$work"
step() { printf -- '-- %s (%d s)\n' "$*" "$SECONDS"; }

# What apt needs to know to fetch packages here, and nothing else.
copy_apt() {
    local file
    for file in /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/apt.conf.d \
        /etc/apt/auth.conf.d /etc/apt/keyrings /etc/apt/trusted.gpg.d \
        /etc/apt/preferences.d /etc/ssl/certs/ca-certificates.crt \
        /etc/resolv.conf /etc/hosts; do
        [ -e "$file" ] || continue
        mkdir -p "$1${file%/*}"
        cp -aL "$file" "$1${file%/*}/"
    done
}

bare=${FRESH_ROOT:-$work/kept}.tar
if [ ! -f "$bare" ]; then
    step "making a bare Debian 12"
    # From this machine's mirror, if it has one. To a file: a pipe that nobody
    # reads to its end would stop it half way.
    mirror=$(grep -rhoE 'https?://[^ ]*/debian/?( |$)' /etc/apt/sources.list \
        /etc/apt/sources.list.d 2>/dev/null | head -n 1) || true
    mmdebstrap --variant=minbase --include=ca-certificates bookworm \
        "$work/bare.tar" ${mirror:+"${mirror% }"} >"$work/log" 2>&1 || {
        tail -n 20 "$work/log"
        exit 1
    }
    mv "$work/bare.tar" "$bare"
fi
step "unpacking it"
mkdir "$root"
tar -C "$root" -xf "$bare" --exclude='./dev/*'
mknod -m 666 "$root/dev/null" c 1 3
mknod -m 666 "$root/dev/zero" c 1 5
mknod -m 666 "$root/dev/full" c 1 7
mknod -m 666 "$root/dev/random" c 1 8
mknod -m 666 "$root/dev/urandom" c 1 9
ln -s /proc/self/fd "$root/dev/fd"
rm -rf "$root"/etc/apt/sources.list*
copy_apt "$root"
mount -t proc proc "$root/proc"
in_root() {
    chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        DEBIAN_FRONTEND=noninteractive "$@"
}

step "cloning"
git -C "$top" bundle create -q "$root/root/suan.bundle" HEAD
in_root apt-get update -qq
in_root apt-get install -y -qq --no-install-recommends git >/dev/null 2>&1
in_root git -c advice.detachedHead=false clone -q /root/suan.bundle /root/suan

step "./run test quick"
in_root sh -c 'cd /root/suan && ./run && ./run test quick'
step "plain cmake"
in_root sh -c 'cd /root/suan && cmake -B build/plain >/dev/null &&
    cmake --build build/plain -j 2 --target suan suand suan-exec-sandbox >build/plain.log ||
    { tail -n 30 build/plain.log; exit 1; }
    build/plain/bin/suan version'
step "what the demo and all tests need can be installed"
# shellcheck disable=SC2016 # for the shell inside
in_root sh -c 'cd /root/suan && ./run setup && for tool in povray umoci crun runc catatonit \
    clang-tidy cppcheck jq pnmcat pnmtopng mkfs.ext4 busybox ss; do
    command -v $tool >/dev/null || { echo "no $tool after ./run setup"; exit 1; }; done'
step "doctor says what a bare root lacks to sell"
in_root sh -c 'cd /root/suan && build/plain/bin/suan doctor' >"$work/doctor" 2>&1 || true
cat "$work/doctor"
for told in 'sandbox +warn +jobs cannot be isolated here' 'this machine can buy, but not sell' \
    'cgroups +warn +not mounted' 'mount -t cgroup2 none /sys/fs/cgroup' '^crun +ok'; do
    grep -qE -- "$told" "$work/doctor" || { echo "doctor does not say: $told"; exit 1; }
done
step "a fresh machine builds and passes"
