#!/usr/bin/env bash
# The pages that share memory between threads, under the thread sanitizer.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."
[ -f build/tsan/build.ninja ] || cmake --preset tsan >/dev/null
pages=(test_node_mailbox test_node_link test_node_bulk test_node_blob_store
    test_node_records test_ledger_store)
have=()
for page in "${pages[@]}"; do
    noun=${page#test_*_}
    ls tests/unit/*/test_"$noun".c >/dev/null 2>&1 && have+=("$page")
done
cmake --build build/tsan --target "${have[@]}" | tail -n 1
for page in "${have[@]}"; do
    TSAN_OPTIONS="halt_on_error=1 suppressions=$PWD/tests/tsan.supp" \
        setarch "$(uname -m)" -R "build/tsan/bin/$page" >/tmp/suan-tsan.$$ 2>&1 || {
        tail -n 60 /tmp/suan-tsan.$$
        rm -f /tmp/suan-tsan.$$
        exit 1
    }
    echo "$page: clean"
done
rm -f /tmp/suan-tsan.$$
