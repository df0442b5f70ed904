#!/bin/bash
# The adversarial battery: jobs that attack, an executor that is attacked.
#
#   run.sh [PROGRAM]     suan-exec-sandbox or the directory it is in; default
#                        from build/release or build/dev
#
# Prints a line per attack and last "N passed, N failed" and "N escapes". Exits
# 0 when all passed, 1 when not, 77 when it cannot be run here. About a minute.
#
# SUAN_BATTERY_MAKE=DIR only makes the programs and images, into DIR;
# SUAN_BATTERY_MADE=DIR uses them; SUAN_BATTERY_SLOW=N allows N times the time.
set -u

here=$(dirname "$(readlink -f "$0")")
tree=$(readlink -f "$here/../../..")
program=${1:-}
if [ -z "$program" ]; then
    for preset in release dev; do
        [ -x "$tree/build/$preset/bin/suan-exec-sandbox" ] || continue
        program=$tree/build/$preset/bin/suan-exec-sandbox
    done
fi
[ -d "$program" ] && program=$program/suan-exec-sandbox
if [ ! -x "$program" ]; then
    echo "run.sh: build suan-exec-sandbox first, or name it: run.sh PROGRAM" >&2
    exit 1
fi
program=$(readlink -f "$program")
if [ "$(id -u)" != 0 ]; then
    echo "skipped: the battery needs root (control groups, loop devices)"
    exit 77
fi
needed="umoci crun catatonit"
[ -n "${SUAN_BATTERY_MADE:-}" ] || needed="$needed busybox gcc"
for tool in $needed; do
    if ! command -v "$tool" >/dev/null; then
        echo "skipped: $tool is not installed"
        exit 77
    fi
done

work=$(mktemp -d /var/tmp/suan-battery.XXXXXX)
cleanup() {
    umount "$work/small-disk" 2>/dev/null
    rmdir /sys/fs/cgroup/*/"suan-battery-$$" 2>/dev/null
    find /sys/fs/cgroup -depth -path "*/suan-battery-$$*" -type d \
        -exec rmdir {} + 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT
chmod 711 "$work"

make_all() {
    for name in probe bomb; do
        gcc -std=c17 -static -O1 -o "$work/$name" "$here/$name.c" || exit 1
    done
    gcc -std=c17 -O1 -o "$work/battery" "$here/battery.c" "$here/client.c" \
        -ljansson || exit 1
    cp "$work/bomb" "$work/bomb-setuid"
    chmod 6755 "$work/bomb-setuid"
    "$here/../image-busybox.sh" "$work/busybox.tar" "$work/probe" "$work/bomb" \
        "$work/bomb-setuid" >/dev/null || exit 1

    # -- images nobody should accept ------------------------------------------------

    # An OCI archive OUT around one layer tar, as small as can be.
    wrap() {
        local layer=$1 out=$2 dir=$work/wrap
        local l c m
        rm -rf "$dir"
        mkdir -p "$dir/blobs/sha256"
        put() {
            local sum
            sum=$(sha256sum <"$1" | cut -d' ' -f1)
            cp "$1" "$dir/blobs/sha256/$sum"
            echo "$sum"
        }
        l=$(put "$layer")
        echo '{"architecture":"amd64","os":"linux","config":{"Cmd":["/x"]},
            "rootfs":{"type":"layers","diff_ids":["sha256:'"$l"'"]}}' >"$dir/c"
        c=$(put "$dir/c")
        echo '{"schemaVersion":2,"config":{"mediaType":
            "application/vnd.oci.image.config.v1+json","digest":"sha256:'"$c"'",
            "size":'"$(stat -c %s "$dir/c")"'},"layers":[{"mediaType":
            "application/vnd.oci.image.layer.v1.tar","digest":"sha256:'"$l"'",
            "size":'"$(stat -c %s "$layer")"'}]}' >"$dir/m"
        m=$(put "$dir/m")
        echo '{"schemaVersion":2,"manifests":[{"mediaType":
            "application/vnd.oci.image.manifest.v1+json","digest":"sha256:'"$m"'",
            "size":'"$(stat -c %s "$dir/m")"'}]}' >"$dir/index.json"
        echo '{"imageLayoutVersion":"1.0.0"}' >"$dir/oci-layout"
        tar -C "$dir" -cf "$out" oci-layout index.json blobs
    }

    raw=$work/raw
    mkdir "$raw"
    (
        cd "$raw" || exit 1
        echo text >file
        mkfifo fifo
        mknod disk b 254 0
        tar -cf device.tar disk
        tar -cf fifo.tar fifo
        tar -P --transform 's,^file,../../escaped,' -cf climb.tar file
        ln file twin
        tar -P --transform 's,^file,../../etc/passwd,H' -cf climb-link.tar file twin
        tar -cf good.tar file
    ) || exit 1
    for name in device fifo climb climb-link good; do
        wrap "$raw/$name.tar" "$work/hostile-$name.tar"
    done
    sed 's/text/tExt/' "$work/hostile-good.tar" >"$work/hostile-damaged.tar"
    head -c 3000 "$work/hostile-good.tar" >"$work/hostile-cut.tar"
    echo 'no archive at all' >"$work/hostile-text.tar"
    tar -C "$raw" -cf "$work/hostile-nomanifest.tar" file
}

if [ -n "${SUAN_BATTERY_MADE:-}" ]; then
    cp -p "$SUAN_BATTERY_MADE"/* "$work/"
else
    make_all
fi
if [ -n "${SUAN_BATTERY_MAKE:-}" ]; then
    cp -p "$work/battery" "$work"/*.tar "$SUAN_BATTERY_MAKE/"
    exit 0
fi

# -- the attacks ------------------------------------------------------------------

passed=0 failed=0 escapes=0
battery() { # TITLE MODE [COMMAND...]
    local title=$1 mode=$2 dir out line
    shift 2
    dir=$work/${title// /-}
    [ -d "$dir" ] || mkdir "$dir"
    cp "$work"/*.tar "$dir/"
    chmod 755 "$dir"
    echo "== $title"
    out=$("$@" "$work/battery" "$program" "$dir" "$mode" ${battery_uid:-})
    echo "$out" | grep -v -e ' passed, ' -e ' escapes$'
    line=$(echo "$out" | tail -2 | tr '\n' ' ')
    if [[ $line =~ ([0-9]+)\ passed,\ ([0-9]+)\ failed\ ([0-9]+)\ escapes ]]; then
        passed=$((passed + BASH_REMATCH[1]))
        failed=$((failed + BASH_REMATCH[2]))
        escapes=$((escapes + BASH_REMATCH[3]))
    else
        echo "FAIL the battery itself broke"
        failed=$((failed + 1))
    fi
    if [ "$failed" != 0 ] && [ -s "$dir/executor.log" ]; then
        sed 's/^/     executor: /' "$dir/executor.log"
    fi
    rm -rf "${dir:?}"/*
}

private() {
    unshare -m --propagation private "$@"
}

battery "crun as root" full env

if command -v runc >/dev/null; then
    battery "runc when crun fails" short private sh -c \
        'mount --bind /dev/null "$(command -v crun)" && exec "$@"' sh
fi

battery "no control groups" none private sh -c \
    'umount -R /sys/fs/cgroup && exec "$@"' sh

# As a user whom root gave control groups and ids, once: what a systemd service
# with User= and Delegate=yes has. Its view of /etc is its own.
user=4711
groups=suan-battery-$$
trees=
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    trees=/sys/fs/cgroup
    echo "+memory +cpu +pids" >/sys/fs/cgroup/cgroup.subtree_control
else
    for kind in memory cpu cpuacct pids freezer; do
        [ -d "/sys/fs/cgroup/$kind" ] && trees="$trees /sys/fs/cgroup/$kind"
    done
fi
as_user() {
    mkdir -p "$work/etc"
    cp /etc/passwd "$work/etc/passwd"
    echo "battery:x:$user:$user::/nonexistent:/bin/sh" >>"$work/etc/passwd"
    echo 'battery:300000:2097152' >"$work/etc/subid"
    for tree in $trees; do
        mkdir -p "$tree/$groups"
        chown -R "$user:$user" "$tree/$groups"
    done
    private bash -c '
        mount --bind "$0/passwd" /etc/passwd &&
        mount --bind "$0/subid" /etc/subuid &&
        mount --bind "$0/subid" /etc/subgid || exit 1
        for tree in $1; do
            echo $$ >"$tree/$2/cgroup.procs" || exit 1
        done
        shift 2
        exec "$@"' "$work/etc" "$trees" "$groups" "$@"
}
if ! command -v newuidmap >/dev/null; then
    echo "== unprivileged: left out, uidmap is not installed"
else
    mkdir "$work/unprivileged"
    chown "$user:$user" "$work/unprivileged"
    battery_uid=$user battery "unprivileged" short as_user
fi

mkdir "$work/small-disk"
mount -t tmpfs -o size=160m small "$work/small-disk"
battery "small disk" small env
umount "$work/small-disk"

echo "$passed passed, $failed failed"
echo "$escapes escapes"
[ "$failed" = 0 ] && [ "$escapes" = 0 ]
