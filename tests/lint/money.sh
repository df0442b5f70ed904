#!/usr/bin/env bash
# Nobody computes with raw micro-credits: `.micro` belongs to base/amount.c and
# to encoders. Elsewhere it may be compared with zero, written by one of the
# functions below, or carry `/* lint: micro (why) */` on its line.
. "$(dirname "$0")/common.sh"

homes='^(base/amount\.[ch]|base/mp\.c|[a-z/]+_codec\.c|tests/[^:]*):'
with_zero='[.>]micro (==|!=|>) 0($|[^-+*/0-9.x])'
writers='(u64[lb]e_put|buf_add_u64le|hasher_add_u64|mp_put_uint)'

while IFS= read -r hit; do
    lint_say "$(cut -d: -f1,2 <<<"$hit")" \
        "raw micro-credits:$(cut -d: -f3- <<<"$hit" | sed 's/^ */ /')" \
        "use amount_add, amount_sub, amount_scale_up, amount_cmp...; if it is \
no arithmetic, end the line with /* lint: micro (why) */"
done < <(lint_files '*.c' '*.h' | lint_code | grep -vE "$homes" |
    grep -E '(\.|->)micro\b' | grep -v 'lint: micro' |
    grep -vE "$with_zero" | grep -vE "$writers\(.*[.>]micro\);?$")
lint_end
