#!/bin/sh
# tile.sh SCENE WIDTH HEIGHT: renders the rows of this task of a bag into
# /job/out/tile-NNN.ppm. The task and their number come from the environment.
set -eu
scene=$1 width=$2 height=$3
from=$((height * SUAN_TASK / SUAN_TASKS + 1))
to=$((height * (SUAN_TASK + 1) / SUAN_TASKS))
mkdir -p /job/out
povray "+I/job/in/$scene" "+W$width" "+H$height" "+SR$from" "+ER$to" \
    +WT1 -D +A0.1 +R4 +FP +O/tmp/full.ppm +L/job/in \
    +L/usr/share/povray-3.7/include 2>/tmp/log || {
    tail -n 20 /tmp/log >&2
    exit 1
}
# POV-Ray writes the whole picture with the other rows empty: keep ours.
row=$((width * 3))
size=$(stat -c %s /tmp/full.ppm)
pixels=$((size - row * height))
name=$(printf '/job/out/tile-%03d.ppm' "$SUAN_TASK")
{
    printf 'P6\n%d %d\n255\n' "$width" $((to - from + 1))
    tail -c +$((pixels + row * (from - 1) + 1)) /tmp/full.ppm |
        head -c $((row * (to - from + 1)))
} >"$name"
echo "rows $from to $to of $height"
