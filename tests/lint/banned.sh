#!/usr/bin/env bash
# Calls that have a better spelling everywhere, and what a library must be told
# instead of asking for. A line may be excused by `/* lint: banned (why) */`.
. "$(dirname "$0")/common.sh"

code=$(lint_files '*.c' '*.h' | lint_code | grep -v 'lint: banned')

# ban FILES WORDS WHY-AND-FIX: WORDS called as plain functions in FILES.
ban() {
    local hit word
    while IFS= read -r hit; do
        word=$(grep -oE "(^|[^A-Za-z0-9_.>])($2) ?\(" <<<"${hit#*:*:}" |
            head -n 1 | tr -dc 'a-z0-9_A-Z')
        lint_say "$(cut -d: -f1,2 <<<"$hit")" "$word() is banned here" "$3"
    done < <(grep -E "$1" <<<"$code" |
        grep -E "^[^:]+:[0-9]+:(.*[^A-Za-z0-9_.>])?($2) ?\(")
}

# ban_word FILES WORDS WHY-AND-FIX: WORDS in any place.
ban_word() {
    local hit
    while IFS= read -r hit; do
        lint_say "$(cut -d: -f1,2 <<<"$hit")" "$(sed 's/^ *//' \
            <<<"${hit#*:*:}")" "$3"
    done < <(grep -E "$1" <<<"$code" |
        grep -E "^[^:]+:[0-9]+:(.*[^A-Za-z0-9_])?($2)([^A-Za-z0-9_]|$)")
}

all='^(base|ledger|sched|market|wallet|node|cli|tests)/'
product='^(base|ledger|sched|market|wallet|node|cli)/'
library='^(base|ledger|sched|market|wallet)/'
consensus='^(base|ledger|sched|market)/'

ban "$product" 'strcpy|strcat|stpcpy|sprintf|vsprintf|gets|strncpy|strncat' \
    "it writes past the end or leaves no zero: snprintf, or buf_addf"
ban "$all" 'strtok|strerror_l|asctime|ctime|gmtime|localtime|tmpnam|tempnam' \
    "it keeps hidden state: the _r form, strcspn and strspn, or mkstemp"
ban "$all" 'atoi|atol|atoll|atof' \
    "it cannot say that a text is no number: strtoull with errno and end"
ban "$all" 'system|popen' \
    "a shell reads the arguments: posix_spawn with an argument list"
ban "$all" 'rand|srand|random|srandom|drand48|rand_r' \
    "secrets want randombytes_buf; libraries and tests want a seed handed in"
ban "$all" 'alloca' \
    "the stack is not checked: an array of fixed size, or malloc"
ban "$product" 'assert' "release builds drop it: CHECK from base/check.h"
ban "$library" 'time|clock|clock_gettime|gettimeofday|nanosleep|usleep|sleep' \
    "a library is told the time: take now_ms as an argument"
ban "$library" 'printf|fprintf|vfprintf|puts|fputs|perror|putchar|syslog' \
    "a library returns and node logs: return an enum err, or fill a buf"
ban "$library" 'socket|socketpair|recv|recvfrom|recvmsg|sendto|sendmsg|fork|vfork' \
    "a library has no network and no processes: node does it and hands in bytes"
ban "$library" 'pthread_[a-z_]+|thrd_[a-z_]+' \
    "a library has no threads: node runs it on one of its own"
ban "$library" 'getenv|secure_getenv|setenv|exit|_exit|abort' \
    "a library is configured by arguments and returns an enum err"
ban "$consensus" 'randombytes_[a-z]+|getrandom|getentropy' \
    "what nodes must agree on is not random: take a seed as an argument"
# The availability of plans, what is learned and the laboratory only advise.
ban_word '^(base|ledger|market|sched/([a-z_]+\.|cfn/|fleet/|graph/|link/|queue/))' \
    'float|double' \
    "machines differ in it: integers in small units (micro, ms, milli-cores)"
ban "$library" 'strerror|strerror_r' \
    "return an enum err; node and cli put it into words"
lint_end
