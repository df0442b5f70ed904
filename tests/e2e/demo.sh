#!/usr/bin/env bash
# demo.sh BIN: somebody watches the demo and presses Ctrl-C. Whenever that is, no
# process, mount, loop device, lock or control group stays behind, and the next
# demo works.
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/lib.sh"
e2e_start demo "$@"
export DEMO_HOME=$SUAN_HOME/d DEMO_OUT=$WORK/out DEMO_PORT=${E2E_PORT:-27300}
export DEMO_WIDTH=160 DEMO_HEIGHT=120 DEMO_TILES=6
demo=$TOP/docs/examples/povray/demo.sh
for tool in povray pnmcat jq umoci python3; do
    command -v $tool >/dev/null || { echo "skipped: $tool is missing. Try: ./run setup"; exit 77; }
done

# on_terminal WHEN PRESSES COMMAND...: runs it on a terminal of its own; once it
# has printed WHEN (a regular expression), Ctrl-C is pressed so many times. What
# it printed goes to $WORK/said, its exit code is ours; 99: it did not end.
on_terminal() {
    python3 - "$WORK/said" "$@" <<'PY'
import os, pty, re, select, signal, sys, time
log, when, presses = sys.argv[1], re.compile(sys.argv[2].encode()), int(sys.argv[3])
pid, terminal = pty.fork()
if pid == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(sys.argv[4], sys.argv[4:])
said, end = b"", time.monotonic() + 90
press_at = None
while True:
    ready, _, _ = select.select([terminal], [], [], 0.05)
    if ready:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        said += data
    now = time.monotonic()
    if press_at is None and when.search(said):
        press_at = now
    if press_at is not None and presses > 0 and now >= press_at:
        os.write(terminal, b"\x03")
        presses, press_at = presses - 1, now + 0.4
    if now > end:
        os.killpg(pid, signal.SIGKILL)
        said += b"\n[it did not end within 90 s]\n"
        break
open(log, "wb").write(said)
status = os.waitpid(pid, 0)[1]
if now > end:
    sys.exit(99)
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
PY
}

processes() { pgrep -fa -- "$DEMO_HOME|$DEMO_OUT" | grep -v -e pgrep -e "$0"; }
mounts() { grep -F "$SUAN_HOME" /proc/mounts; }
loops() { grep -lF "$SUAN_HOME" /sys/block/loop*/loop/backing_file 2>/dev/null; }
# Control groups of the demo's nodes: named after where their state is.
groups() {
    python3 - "$DEMO_HOME"/devnet/{validator-{1,2,3,4},provider-{1,2,3},buyer}/exec "$DEMO_OUT/work/doctor" <<'PY'
import os, sys
def name(path):
    value = 2166136261
    for byte in path.encode():
        value = (value ^ byte) * 16777619 & 0xffffffff
    return f"suan-{value:08x}"
ours = {name(path) for path in sys.argv[1:]}
for at, folders, _ in os.walk("/sys/fs/cgroup"):
    for folder in ours.intersection(folders):
        print(os.path.join(at, folder))
PY
}
temporary() { find "$TMPDIR" -mindepth 1; }
is_free() { [ ! -e "$DEMO_HOME/devnet.lock" ] || flock -n "$DEMO_HOME/devnet.lock" true; }

# stopped WHEN PRESSES SENTENCE
stopped() {
    local began=$SECONDS
    on_terminal "$1" "$2" "$demo" "$BIN"
    equal "Ctrl-C $3 ends it with code 130" 130 $?
    check "and it says so" grep -q 'The demo stopped (130); the devnet is down' "$WORK/said"
    equal "no process stays behind" '' "$(processes)"
    equal "no mount stays behind" '' "$(mounts)"
    equal "no loop device stays behind" '' "$(loops)"
    equal "no control group stays behind" '' "$(groups)"
    equal "no temporary directory stays behind" '' "$(temporary)"
    check "nobody holds the devnet's lock" is_free
    echo "      ($((SECONDS - began)) s)"
    [ "$BADS" -eq 0 ] || { tail -n 40 "$WORK/said"; exit 1; }
}
stopped '== An image with POV-Ray' 1 "while the image is made"
stopped 'making a devnet' 1 "while the devnet comes up"
stopped 'RUNNING|rows [0-9]+ to|DONE on' 2 "twice, while tiles are rendered"

on_terminal 'nothing to press' 0 "$demo" "$BIN"
equal "the next demo works" 0 $?
check "and has its picture" test -s "$DEMO_OUT/scene.png"
sed 's/\r$//; s/.*\r//; s/\x1b\[[0-9;]*[a-zA-Z]//g; s|'"$SUAN_HOME"'/||g' "$WORK/said" |
    grep -vE '^\$ suan |^  - /|^  export ' | grep -E '.{81}' >"$WORK/wide"
equal "no line of it is wider than a terminal" '' "$(cat "$WORK/wide")"
equal "no process stays behind" '' "$(processes)"
equal "no mount stays behind" '' "$(mounts)"
