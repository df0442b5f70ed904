#!/usr/bin/env bash
# image.sh OUT.tar: an OCI image with POV-Ray, made from the Debian packages
# povray and busybox-static as they are installed here. Nothing is downloaded.
set -euo pipefail
out=$(readlink -f "${1:?usage: image.sh OUT.tar}")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
root=$dir/bundle/rootfs

umoci init --layout "$dir/image" 2>/dev/null
umoci new --image "$dir/image:povray" 2>/dev/null
umoci unpack --rootless --image "$dir/image:povray" "$dir/bundle" 2>/dev/null

mkdir -p "$root"/{bin,usr/bin,etc,proc,dev,job,usr/share/doc/povray/examples}
mkdir -m 1777 "$root/tmp"
cp /bin/busybox "$root/bin/busybox"
for applet in $(/bin/busybox --list); do
    [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
done
# The renderer, the libraries it links and its include files.
cp /usr/bin/povray "$root/usr/bin/"
ldd /usr/bin/povray | awk '/=> \//{print $3} /^\t\/lib/{print $1}' |
    while read -r library; do
        mkdir -p "$root$(dirname "$library")"
        cp -L "$library" "$root$library"
    done
cp -aL /etc/povray "$root/etc/"
mkdir -p "$root/usr/share/povray-3.7"
cp -aL /usr/share/povray-3.7/include "$root/usr/share/povray-3.7/"
chmod -R a+rX "$root"

umoci repack --image "$dir/image:povray" "$dir/bundle" 2>/dev/null
rm -f "$out"
tar -C "$dir/image" --owner=0 --group=0 --numeric-owner -cf "$out" .
