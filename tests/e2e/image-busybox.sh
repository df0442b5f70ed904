#!/bin/sh
# Builds a small OCI image from this machine's static busybox, offline.
#
#   image-busybox.sh OUT.tar [PROGRAM...]
#
# OUT.tar     the OCI archive; its manifest's digest is printed
# PROGRAM     static programs added as /bin/NAME, with their modes
# Needs busybox-static and umoci; root is not needed.
set -eu

if [ $# -lt 1 ]; then
    echo "usage: image-busybox.sh OUT.tar [PROGRAM...]" >&2
    exit 2
fi
out=$1
shift
for tool in busybox umoci tar; do
    if ! command -v "$tool" >/dev/null; then
        echo "image-busybox.sh: $tool is missing:" \
            "apt-get install busybox-static umoci" >&2
        exit 1
    fi
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

root=$work/root
mkdir -p "$root/bin" "$root/etc" "$root/tmp" "$root/root"
chmod 0755 "$root"
chmod 1777 "$root/tmp"
cp "$(command -v busybox)" "$root/bin/busybox"
for applet in $(busybox --list); do
    [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
done
echo 'root:x:0:0:root:/root:/bin/sh
job:x:1000:1000:job:/job:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:
job:x:1000:' >"$root/etc/group"
for program in "$@"; do
    cp -p "$program" "$root/bin/"
done

image=$work/layout:busybox
umoci init --layout "$work/layout"
umoci new --image "$image"
rootless=
[ "$(id -u)" = 0 ] || rootless=--rootless
# shellcheck disable=SC2086
umoci insert $rootless --image "$image" "$root" / >/dev/null
umoci config --image "$image" --config.cmd /bin/sh \
    --config.env PATH=/bin --config.env IMAGE=busybox
umoci gc --layout "$work/layout" >/dev/null
tar -C "$work/layout" -cf "$out" oci-layout index.json blobs
sed 's/.*"digest":"\(sha256:[0-9a-f]*\)".*/\1/' "$work/layout/index.json"
