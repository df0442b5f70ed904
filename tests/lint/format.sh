#!/usr/bin/env bash
# Every C file is as clang-format 14 writes it with our .clang-format.
. "$(dirname "$0")/common.sh"

tool=$(command -v clang-format-14 || command -v clang-format || true)
if [ -z "$tool" ]; then
    lint_say "$LINT_NAME" "clang-format is not installed" \
        "apt-get install clang-format-14"
    lint_end
fi
while IFS= read -r file; do
    lint_say "$file" "not in our format" "$(basename "$tool") -i $file"
done < <(lint_files '*.c' '*.h' | xargs -r -d '\n' "$tool" --dry-run 2>&1 |
    sed -nE 's/^([^:]+):[0-9]+:[0-9]+: warning: code should be clang-formatted.*/\1/p' |
    sort -u)
lint_end
