#!/usr/bin/env bash
# policies.sh BIN: policies by name on a devnet. A bag goes where the policy says
# that holds for the account, the job's name or the job itself; what is switched
# off is passed over and told; gangs open whole, copies run at different
# providers; and the market, recorded meanwhile, is played again under others.
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/lib.sh"
e2e_start policies "$@"
keep=${POLICIES_KEEP:-}

"$HERE/image-busybox.sh" "$WORK/busybox.tar" >/dev/null 2>&1 ||
    { echo "no image: umoci and busybox-static are needed"; exit 1; }
check "a devnet comes up" suan devnet up --base-port ${E2E_PORT:-29300} --image "$WORK/busybox.tar" -q
account=$(suan wallet balance --json | jq -r '.accounts[0].address')

"$BIN/suan" market record "$WORK/market.jsonl" --every 300ms -q &
recorder=$!

# ---- three sellers that differ
suan sell offer set --node provider-1 --cpu-hour 0.05 --label zone=eu --label watts-idle=20 --label watts-full=60 -q >/dev/null
suan sell offer set --node provider-2 --cpu-hour 0.06 --label zone=eu --label watts-idle=80 --label watts-full=300 -q >/dev/null
suan sell offer set --node provider-3 --cpu-hour 0.02 --label zone=us -q >/dev/null
seen() {
    [ "$(suan market offers --json |
        jq '[.offers[] | select((.labels.zone | IN("eu", "us")) and .slots_free > 3)] | length')" = 3 ]
}
check "their offers are heard of" until_true 60 seen

run=(suan run --yes --cpus 0.1 --mem 16M --disk 8M --detach)
ended() { suan job show "$1" --json | jq -e '.state | IN("DONE","FAILED","CANCELLED","EXPIRED")'; }
# bag SENTENCE WANTED OPTION...: where three tasks went, "3 provider-1, ..."
where() {
    suan job show "$1" --json |
        jq -r '[.tasks[].provider_name] | group_by(.) | map("\(length) \(.[0])") | join(", ")'
}
bag() {
    local sentence=$1 wanted=$2 job
    shift 2
    until_true 60 seen # what ran before has given its room back
    job=$("${run[@]}" --tasks 3 "$@" -- true 2>"$WORK/said")
    if [ ${#job} -ne 64 ] || ! until_true 90 ended "$job"; then
        bad "$sentence" "$(cat "$WORK/said")"
        return
    fi
    equal "$sentence" "$wanted" "$(where "$job")"
}

bag "without a policy the cheapest takes all" "3 provider-3"

check "a policy is set" suan policy set even --kind spread
check "and bound to the account" suan policy bind even --account "$account"
bag "the account's bag is spread" "1 provider-1, 1 provider-2, 1 provider-3"
check "it is said by what" grep -q "policy: even, bound to the account" "$WORK/said"

check "a file makes one, too" suan policy set -f "$TOP/docs/examples/policies/three-to-one.yaml"
check "bound to a job's name" suan policy bind three-to-one --job-name 'render-*'
job=$("${run[@]}" --tasks 7 --name render-2 -- true 2>/dev/null)
check "its job ends" until_true 90 ended "$job"
equal "three at each in eu for one at each in us" "6 1" \
    "$(suan job show "$job" --json | jq -r '[.tasks[].provider_name == "provider-3"] | "\(map(select(. | not)) | length) \(map(select(.)) | length)"')"
bag "and the job before both" "3 provider-3" --name render-3 --policy cheapest

check "switched off" suan policy disable even
bag "it is passed over" "3 provider-3"
check "and that is told" grep -q "even is switched off" "$WORK/said"
refused "what is bound is not removed" 8 "not allowed|bound" suan policy remove even
check "unbound" suan policy unbind --account "$account"
check "it is removed" suan policy remove even
refused "a policy that is not there is told" 3 "no policy" "${run[@]}" --policy even -- true

# ---- copies and gangs
check "copies are set" suan policy set -f "$TOP/docs/examples/policies/redundant.yaml"
job=$("${run[@]}" --tasks 2 --policy redundant --out '*' -- \
    sh -c 'mkdir -p /job/out; echo "$SUAN_TASK of $SUAN_TASKS" > /job/out/n' 2>/dev/null)
check "every task runs twice" until_true 90 ended "$job"
suan job show "$job" --json >"$WORK/job.json"
equal "as four contracts that are done" 4 "$(jq '[.tasks[] | select(.state == "DONE")] | length' "$WORK/job.json")"
equal "each task at two providers" "2 2" \
    "$(jq -r '[[.tasks[0], .tasks[2]], [.tasks[1], .tasks[3]]] | map([.[].provider] | unique | length) | join(" ")' "$WORK/job.json")"
suan job fetch "$job" --to "$WORK/out" -q >/dev/null 2>&1
equal "and a copy is told what it is a copy of" "0 of 2, 1 of 2, 0 of 2, 1 of 2" \
    "$(cat "$WORK"/out/task-{0,1,2,3}/n | paste -sd, | sed 's/,/, /g')"

check "a gang" suan policy set together --kind cheapest --gang yes
bag "runs together" "3 provider-3" --policy together

# ---- recorded, and played again
kill -INT $recorder
wait $recorder
equal "the recording begins with its version" '{"suan_market":1}' "$(head -n 1 "$WORK/market.jsonl")"
replay=(suan sched replay --format market --log "$WORK/market.jsonl" --policy recorded --policy cheapest
    --policy spread --policy "$TOP/docs/examples/policies/cheap-and-near.yaml")
check "it is played again under others" "${replay[@]}"
"${replay[@]}" --json >"$WORK/one.json"
"${replay[@]}" --json >"$WORK/two.json"
check "the same each time" cmp "$WORK/one.json" "$WORK/two.json"
check "cheapest is cheapest" jq -e \
    '[.policies[] | .hour_mean_micro] as $p | $p[1] <= ($p | min)' "$WORK/one.json"
check "spread shares most evenly" jq -e \
    '[.policies[] | .jain_permille] as $j | $j[2] >= ($j | max)' "$WORK/one.json"

refused "a gang that is too large asks nobody" 6 "must run together" \
    suan run --yes --policy together --tasks 900 --cpus 1 --mem 16M --disk 8M -- true

# ---- an availability: as many copies as it takes, by how contracts ended
served() { suan market quote --cpus 0.1 --mem 16M --disk 8M --availability 50% --json 2>/dev/null | jq -e '.availability.known == 3'; }
for seller in $(suan market offers --json | jq -r '.offers[].provider'); do
    suan run --yes --cpus 0.1 --mem 16M --disk 8M --tasks 3 --seller "$seller" -q -- true >/dev/null 2>&1
done
check "how sellers kept their contracts is known" until_true 60 served
refused "what is beyond all of them is refused with the nearest" 6 "99.9999999% is out of reach: [0-9.]+% with 3 copies" \
    suan run --yes --cpus 0.1 --mem 16M --disk 8M --availability 99.9999999% -- true
until_true 60 seen
job=$("${run[@]}" --availability 97% --out '*' -- sh -c 'sleep 8; echo made > /job/out/x' 2>"$WORK/said")
check "what is reckoned is told before the bill" grep -qE "availability 97%: [23] copies of each task, expected 9[789]" "$WORK/said"
running() { suan job show "$job" --json | jq -e '[.tasks[].state] | all(. == "RUNNING")'; }
check "its copies run" until_true 60 running
suan job show "$job" --json >"$WORK/sure.json"
equal "each at a provider of its own" "true" \
    "$(jq '([.tasks[].provider] | unique | length) == .availability.copies' "$WORK/sure.json")"
check "and together they keep to it" jq -e '.availability | .down_ppb <= .target_ppb' "$WORK/sure.json"
victim=$(jq -r '.tasks[0].provider_name' "$WORK/sure.json")
kill -9 "$(suan devnet status --json | jq -r --arg n "$victim" '.nodes[] | select(.name == $n).pid')"
done_now() { [ "$(suan job show "$job" --json | jq -r .state)" = DONE ]; }
check "a provider dies, and the job is done" until_true 60 done_now
suan job fetch "$job" --to "$WORK/sure" -q >/dev/null 2>&1
equal "with the outputs of another copy" made "$(cat "$WORK/sure/x")"

# ---- near another, and explained
refused "near counts under nearest" 2 "near counts under nearest" "${run[@]}" --near provider-2 -- true
equal "near a provider is that provider" provider-2 \
    "$(suan market offers --policy nearest --near provider-2 --json | jq -r '.offers[0].name')"
explained=$(suan market quote --cpus 0.1 --mem 16M --disk 8M --policy fastest --class parallel --explain 2>/dev/null | sed -n 2p)
check "an explained quote begins with the chosen and its figures" grep -qE "^provider-[123] +1 .*speed parallel [0-9.]+x" <<<"$explained"
[ -z "$keep" ] || cp "$WORK/market.jsonl" "$keep"
