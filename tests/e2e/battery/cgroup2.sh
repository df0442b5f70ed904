#!/bin/bash
# The battery on a pure version 2 machine: a Debian guest with systemd, booted
# by QEMU in software, about five minutes.
#
#   cgroup2.sh PROGRAM_DIR [WORK]
#
# WORK keeps the guest's root for the next time; default: a temporary directory.
# Exits as run.sh does; 77 when something is missing here.
set -eu

here=$(dirname "$(readlink -f "$0")")
bin=$(readlink -f "${1:?usage: cgroup2.sh PROGRAM_DIR [WORK]}")
if [ "$(id -u)" != 0 ]; then
    echo "skipped: making a guest needs root"
    exit 77
fi
for tool in qemu-system-x86_64 mmdebstrap mkfs.ext4 debugfs gcc; do
    if ! command -v "$tool" >/dev/null; then
        echo "skipped: $tool is not installed" \
            "(apt-get install qemu-system-x86 mmdebstrap e2fsprogs)"
        exit 77
    fi
done
if [ $# -gt 1 ]; then
    work=$(readlink -f "$2")
else
    work=$(mktemp -d /var/tmp/suan-cgroup2.XXXXXX)
    trap 'rm -rf "$work"' EXIT
fi
cd "$work"

if [ ! -d root ]; then
    mmdebstrap --variant=minbase --include=crun,runc,catatonit,umoci,uidmap,`
        `procps,util-linux,e2fsprogs,libjansson4,libseccomp2,libarchive13,`
        `libsodium23,libmsgpackc2,linux-image-cloud-amd64,systemd-sysv \
        bookworm root >/dev/null
fi
rm -rf root/battery
mkdir -p root/battery/made root/battery/battery
SUAN_BATTERY_MAKE=$work/root/battery/made "$here/run.sh" "$bin"
cp "$here/run.sh" root/battery/battery/
cp "$bin/suan-exec-sandbox" root/battery/
cat >root/battery/go.sh <<'X'
cd /battery
echo "kernel $(uname -r), $(stat -fc %T /sys/fs/cgroup), $(cat /proc/self/cgroup)"
export SUAN_BATTERY_MADE=/battery/made SUAN_BATTERY_SLOW=10
timeout 1500 bash battery/run.sh /battery/suan-exec-sandbox
echo "battery ended with $?"
X
cat >root/etc/systemd/system/battery.service <<'X'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
Delegate=yes
TimeoutStartSec=infinity
ExecStart=/bin/sh -c "bash /battery/go.sh >/battery/result.log 2>&1; sync"
ExecStopPost=/bin/systemctl poweroff
X
mkdir -p root/etc/systemd/system/multi-user.target.wants
ln -sf ../battery.service root/etc/systemd/system/multi-user.target.wants/

rm -f disk.img
truncate -s 3G disk.img
mkfs.ext4 -q -F -d root disk.img
timeout 1800 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -m 2048 \
    -smp 2 -nographic -nic none -no-reboot -kernel root/boot/vmlinuz-* \
    -initrd root/boot/initrd.img-* -drive file=disk.img,format=raw,if=virtio \
    -append "root=/dev/vda rw console=ttyS0 quiet panic=-1" \
    >console.log 2>&1 </dev/null || true
debugfs -R 'cat /battery/result.log' disk.img 2>/dev/null | tee result.log
rm -f disk.img
grep -q '^battery ended with 0$' result.log
