#!/usr/bin/env bash
# The words that go with the code are there: a README in each folder, the pages
# of docs, a test for each noun, a corpus for each fuzz target, and the phrases
# that code quotes from docs/protocol.md.
. "$(dirname "$0")/common.sh"

for folder in base ledger sched market wallet node cli tests; do
    page=$folder/README.md
    if [ ! -f "$page" ]; then
        lint_say "$page" "the folder has no README" \
            "about ten lines: what it knows, what it must not know, where to \
start"
        continue
    fi
    lines=$(wc -l <"$page")
    if [ "$lines" -lt 5 ] || [ "$lines" -gt 30 ]; then
        lint_say "$page" "$lines lines; a folder's README has about ten" \
            "what it knows, what it must not know, where to start; the rest \
goes to docs/"
    fi
done

for page in README.md docs/architecture.md docs/protocol.md docs/operator.md \
    docs/buyer.md docs/dependencies.md docs/executors.md; do
    [ -s "$page" ] ||
        lint_say "$page" "missing or empty" "write it; docs are part of the work"
done

# Every page of a library that has a body is spoken about by a unit test: one
# that includes it, or one of its noun (test_book.c speaks for book_map.h).
spoken_about() { # FOLDER HEADER
    local noun room=$1
    noun=$(basename "$2" .h)
    case $2 in sched/lab/*) room=lab ;; esac
    grep -qsrF "#include \"$2\"" "tests/unit/$room" && return
    while [ ! -f "tests/unit/$room/test_$noun.c" ]; do
        [ "$noun" = "${noun%_*}" ] && return 1
        noun=${noun%_*}
    done
}

for folder in base ledger sched market wallet; do
    while IFS= read -r header; do
        [ -f "${header%.h}.c" ] || [ -f "${header%.h}_codec.c" ] || continue
        case $header in
        sched/lab/*) room=lab ;;
        *) room=$folder ;;
        esac
        spoken_about "$room" "$header" ||
            lint_say "$header" "no test in tests/unit/$room includes it" \
                "write tests/unit/$room/test_$(basename "$header" .h).c"
    done < <(lint_files '*.h' | grep "^$folder/")
done

while IFS= read -r target; do
    what=$(basename "$target" .c)
    what=${what#fuzz_}
    if [ -z "$(ls "tests/fuzz/corpus/$what" 2>/dev/null)" ]; then
        lint_say "$target" "tests/fuzz/corpus/$what is empty" \
            "add 5 to 30 small inputs, accepted and refused ones"
    fi
done < <(lint_files '*.c' | grep '^tests/fuzz/fuzz_')

# protocol.md: "phrase" in a comment of one line quotes the protocol.
while IFS= read -r hit; do
    phrase=$(sed -E 's/.*protocol\.md: "([^"]+)".*/\1/' <<<"$hit")
    if ! tr -s ' \n' ' ' <docs/protocol.md 2>/dev/null | grep -qF "$phrase"; then
        lint_say "$(cut -d: -f1,2 <<<"$hit")" \
            "docs/protocol.md does not say \"$phrase\"" \
            "quote it as it stands there, or bring the two together"
    fi
done < <(lint_files '*.c' '*.h' | xargs -r -d '\n' \
    grep -nHE 'protocol\.md: "[^"]+"' 2>/dev/null)

# What a page links to, or names by its path, is there.
named_paths() { # PAGE: line:path, as seen from the top
    local folder
    folder=$(dirname "$1")
    grep -noE '\]\([^)#: ]+[)#]' "$1" | sed 's,[)#]$,,' | sed "s,:](,:$folder/,"
    grep -noE '`(base|ledger|sched|market|wallet|node|cli|tests|docs)/[A-Za-z0-9_/.-]+\.(c|h|sh|py|md|yaml)`' "$1" |
        tr -d '`'
}
while IFS= read -r page; do
    while IFS=: read -r line path; do
        [ -e "$path" ] ||
            lint_say "$page:$line" "$path is not there" "where has it gone?"
    done < <(named_paths "$page")
done < <(lint_files '*.md')
lint_end
