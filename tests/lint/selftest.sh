#!/usr/bin/env bash
# The lints find what they are for: each is run over a small tree that is clean,
# then over the same tree with one offence at a time.
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0

put() { # FILE LINE...
    mkdir -p "$tree/$(dirname "$1")"
    printf '%s\n' "${@:2}" >"$tree/$1"
}

clean_tree() {
    local name
    rm -rf "${tree:?}"/*
    cp "$here/../../.clang-format" "$tree/"
    for name in base ledger sched market wallet node cli tests; do
        put "$name/README.md" a b c d e f g h
    done
    for name in README architecture protocol operator buyer dependencies \
        executors; do
        put "docs/$name.md" "The nonce counts up from zero."
    done
    put README.md words
    put base/sum.h '#include "base/amount.h"'
    put base/sum.c '#include "base/sum.h"' '' 'int sum_one;'
    put tests/unit/base/test_sum.c '#include "base/sum.h"'
    put tests/fuzz/fuzz_sum.c 'int fuzz_one;'
    put tests/fuzz/corpus/sum/one 1
    put ledger/coin_codec.c 'static int c = a.micro + 1;'
    put market/bill.c '#include "market/bill.h"' '#include "ledger/coin.h"' \
        '/* time(NULL) and a.micro + 1 in a comment are no offence */' \
        'static const char *s = "rand() is a word here";'
}

expect() { # LINT WHERE WHAT: the lint must fail and name the place
    local output
    output=$(LINT_ROOT=$tree "$here/$1.sh" 2>&1)
    if [ $? -eq 1 ] && grep -qE "^$2: .*$3" <<<"$output" &&
        grep -q '^    fix: .' <<<"$output"; then
        return
    fi
    failures=$((failures + 1))
    printf 'lint %s did not find "%s" at %s; it said:\n%s\n' "$1" "$3" "$2" \
        "$output"
}

# offence LINT FILE WHAT LINE...: a file of these lines is found out at its last.
offence() {
    clean_tree
    put "$2" "${@:4}"
    expect "$1" "$2:$(($# - 3))" "$3"
}

pardon() { # LINT FILE LINE...: a file of these lines is let through
    local output
    clean_tree
    put "$2" "${@:3}"
    output=$(LINT_ROOT=$tree "$here/$1.sh" 2>&1) && return
    failures=$((failures + 1))
    printf 'lint %s found fault with %s; it said:\n%s\n' "$1" "$2" "$output"
}

for lint in layers money banned format words; do
    pardon "$lint" base/other.c 'int other_one;'
done

offence layers ledger/x.c 'must not know market/offer.h' '#include "market/offer.h"'
offence layers base/x.c 'must not know ledger/tx.h' '' '#include "ledger/tx.h"'
offence layers sched/x.c 'must not know ledger/tx.h' '#include "ledger/tx.h"'
offence layers wallet/x.c 'must not know ledger/tx.h' '#include "ledger/tx.h"'
offence layers node/x.c 'must not know cli/verb/verb.h' '#include "cli/verb/verb.h"'
offence layers cli/x.c 'must not know node/log.h' '#include "node/log.h"'
offence layers node/executors/sandbox/x.c 'must not know node/log.h' \
    '#include "node/log.h"'
offence layers tests/unit/ledger/test_x.c 'must not know market/offer.h' \
    '#include "market/offer.h"'
offence layers market/x.c 'does not say its folder' '#include "offer.h"'
offence layers ledger/x.c '<msgpack.h> is included' '#include <msgpack.h>'
offence layers ledger/x.c '<lmdb.h> is included' '#  include <lmdb.h>'
offence layers market/x.c '<nng/nng.h> is included' '#include <nng/nng.h>'
offence layers node/x.c '<nng/nng.h> is included' '#include <nng/nng.h>'
offence layers sched/x.c '<time.h> is included' '#include <time.h>'
offence layers sched/x.c 'must not know sched/lab/gml.h' '#include "sched/lab/gml.h"'
offence layers wallet/x.c '<sys/socket.h> is included' '#include <sys/socket.h>'
pardon layers ledger/disk/store_lmdb.c '#include <lmdb.h>'
pardon layers node/records.c '#include <lmdb.h>'
pardon layers node/net/x.c '#include <nng/nng.h>' '#include "market/offer.h"'
pardon layers cli/x.c '#include "node/rpc/rpc_msg.h"'
pardon layers market/x.c '/* #include "node/log.h" */'

offence money market/x.c 'raw micro-credits' 'u = a.micro + b.micro;'
offence money ledger/x.c 'raw micro-credits' '' 'if (a->micro > b->micro)'
offence money node/x.c 'raw micro-credits' 'if (a.micro > 0x10)'
pardon money market/x.c 'if (a.micro > 0)' '    b = a.micro == 0 && c;'
pardon money market/x.c 'u64le_put(raw, a->balance.micro);'
pardon money sched/x.c 'key = a.micro; /* lint: micro (a sort key) */'

offence banned cli/x.c 'strcpy\(\) is banned' '    strcpy(a, b);'
offence banned node/x.c 'sprintf\(\) is banned' 'sprintf(a, "%d", 1);'
offence banned tests/sim/x.c 'rand\(\) is banned' 'x = y + rand();'
offence banned cli/x.c 'system\(\) is banned' 'if (system("ls"))'
offence banned node/x.c 'assert\(\) is banned' 'assert(x == 1);'
offence banned sched/x.c 'time\(\) is banned' 'now = time(NULL);'
offence banned ledger/x.c 'fprintf\(\) is banned' 'fprintf(stderr, "x");'
offence banned market/x.c 'pthread_create\(\) is banned' 'pthread_create(a);'
offence banned market/x.c 'double x' 'double x;'
offence banned ledger/x.c 'randombytes_buf\(\) is banned' 'randombytes_buf(a, 1);'
pardon banned ledger/x.c 'block_time(b);' 'b->time(1);' 'snprintf(a, 1, "x");' \
    '_Static_assert(1, "x");' 'a->ctx.random(1);' 'static int strtoken(x);'
pardon banned wallet/x.c 'fprintf(stderr, "x"); /* lint: banned (why) */'

clean_tree
put base/x.c 'int  x ;'
expect format base/x.c 'not in our format'
clean_tree
rm "$tree/sched/README.md"
expect words sched/README.md 'no README'
clean_tree
rm "$tree/docs/protocol.md"
expect words docs/protocol.md 'missing'
clean_tree
rm "$tree/tests/unit/base/test_sum.c"
expect words base/sum.h 'no test'
clean_tree
rm "$tree/tests/fuzz/corpus/sum/one"
expect words tests/fuzz/fuzz_sum.c 'is empty'
offence words base/x.c 'does not say' '/* protocol.md: "counts down" */'
pardon words base/x.c '/* protocol.md: "nonce counts up" */'
offence words docs/x.md 'base/gone.h is not there' 'See `base/gone.h`.'
offence words docs/x.md '/gone.md is not there' 'See [it](gone.md).'
pardon words docs/x.md 'See `base/sum.h` and [it](architecture.md#a).'

if [ "$failures" -gt 0 ]; then
    printf 'lint selftest: %d failed\n' "$failures"
    exit 1
fi
echo 'lint selftest: ok'
