# Prints `file:line:code` of C sources: comments gone, strings emptied, but
# include lines whole and comments with `lint:` kept. See common.sh.

FNR == 1 { in_comment = 0 }

{
    code = ""
    line = $0
    include = line ~ /^[ \t]*#[ \t]*include/
    while (line != "") {
        if (in_comment) {
            at = index(line, "*/")
            text = at ? substr(line, 1, at - 1) : line
            if (match(text, /lint: [a-z]+/))
                code = code " /* " substr(text, RSTART, RLENGTH) " */"
            line = at ? substr(line, at + 2) : ""
            in_comment = !at
        } else if (substr(line, 1, 2) == "/*") {
            in_comment = 1
            line = substr(line, 3)
        } else if (substr(line, 1, 2) == "//") {
            line = ""
        } else if (!include && line ~ /^["']/) {
            quote = substr(line, 1, 1)
            line = substr(line, 2)
            while (line != "" && substr(line, 1, 1) != quote)
                line = substr(line, substr(line, 1, 1) == "\\" ? 3 : 2)
            line = substr(line, 2)
            code = code quote quote
        } else {
            code = code substr(line, 1, 1)
            line = substr(line, 2)
        }
    }
    if (code !~ /^[ \t]*$/)
        print FILENAME ":" FNR ":" code
}
