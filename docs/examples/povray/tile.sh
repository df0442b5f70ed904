#!/bin/sh
# tile.sh SCENE WIDTH HEIGHT: renders the rows of this task of a bag into
# /job/out/tile-NNN.ppm. The task and their number come from the environment.
# TILE_IN and TILE_OUT: other places than a job's, to do the same at home.
set -eu
scene=$1 width=$2 height=$3
in=${TILE_IN:-/job/in} out=${TILE_OUT:-/job/out}
from=$((height * SUAN_TASK / SUAN_TASKS + 1))
to=$((height * (SUAN_TASK + 1) / SUAN_TASKS))
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
povray "+I$in/$scene" "+W$width" "+H$height" "+SR$from" "+ER$to" \
    +WT1 -D +A0.1 +R4 +FP "+O$work/full.ppm" "+L$in" \
    +L/usr/share/povray-3.7/include 2>"$work/log" || {
    tail -n 20 "$work/log" >&2
    exit 1
}
# POV-Ray writes the whole picture with the other rows empty: keep ours.
row=$((width * 3))
size=$(stat -c %s "$work/full.ppm")
pixels=$((size - row * height))
name=$(printf '%s/tile-%03d.ppm' "$out" "$SUAN_TASK")
{
    printf 'P6\n%d %d\n255\n' "$width" $((to - from + 1))
    tail -c +$((pixels + row * (from - 1) + 1)) "$work/full.ppm" |
        head -c $((row * (to - from + 1)))
} >"$name"
echo "rows $from to $to of $height"
