#!/usr/bin/env bash
# audit.sh BIN: buyers doubt sellers. Of two sellers on a real devnet one is
# honest; the other's measuring program boasts, and is told to lie in two ways.
# What is found counts at the buyer's node.
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/lib.sh"
e2e_start audit "$@"

check "a devnet comes up" suan devnet up --validators 1 --providers 2 --base-port "${E2E_PORT:-27500}" -q
D=$SUAN_HOME/devnet
sells() { [ "$(suan market offers --json | jq '[.offers[] | select(.grade.float_ops > 0)] | length')" -eq "$1" ]; }
check "both measure themselves and sell" until_true 120 sells 2
float_of() { suan market offers --json | jq ".offers[] | select(.name == \"$1\") | .grade.float_ops"; }
first() { suan market offers --policy fastest --json | jq -r '.offers[0].name'; }
verdict() { suan market audit "$@" --json | jq -r .verdict; }

# ---- a seller whose measuring program boasts
cat >"$WORK/boaster" <<LIAR
#!/usr/bin/env bash
# Measures a thousand times too much; of a challenge it does what \$LIE says.
case " \$* " in
*' --rounds '*)
    sed -n s/^lie=//p "$WORK/lie" | grep -qx hashes || exec "$BIN/suan-meter" "\$@"
    for i in {0..63}; do
        printf '{"event":"hash","index":%d,"hash":"%064d"}\n' \$i \$i
        [ \$i -lt \$((\${*: -1} - 1)) ] || exit 0
    done ;;
*' --challenge '*) exec "$BIN/suan-meter" "\$@" ;;
*) "$BIN/suan-meter" "\$@" | sed -u 's/"median":\([0-9]*\)/"median":\1000/' ;;
esac
LIAR
chmod +x "$WORK/boaster"
printf '\n[meter]\nprogram = %s\n' "$WORK/boaster" >>"$D/provider-2/suan.conf"
restart() {
    suan node stop --data-dir "$D/provider-2" && rm -rf "$D/provider-2/records" &&
        suan node start --data-dir "$D/provider-2"
}
boasts() { [ "$(float_of provider-2)" -gt 5000000000000 ]; }
echo lie=nothing >"$WORK/lie"
check "the second seller starts again, with another program" restart
check "and boasts" until_true 120 boasts
equal "it is believed to be the fastest" provider-2 "$(first)"
equal "until somebody looks: it is slower" slower "$(verdict provider-2)"
equal "from then on the honest one comes first" provider-1 "$(first)"
check "what it declares is still shown" boasts

echo lie=hashes >"$WORK/lie"
check "it starts once more, and makes hashes up" restart
check "it boasts again" until_true 120 boasts
caught() {
    suan market audit provider-2 >"$WORK/said" 2>&1
    grep 'did not follow from the challenge' "$WORK/said"
}
check "it is caught, once there is a link to it again" until_true 60 caught
equal "its figures count for nothing" provider-1 "$(first)"
# ---- an honest one: never forged, however busy this machine is
said=$(verdict provider-1)
check "an honest seller's products are right ($said)" grep -qx 'confirmed\|slower' <<<"$said"
refused "it does not answer again at once" 8 'too many requests|ten minutes' suan market audit provider-1
refused "who does not sell is not audited" 3 'no node' suan market audit nobody

check "all comes down" suan devnet down
