/* Completion scripts, made from the table of verbs (cli/help.h). */

#include "cli/help.h"

#include <stdio.h>
#include <string.h>

/* What an operand or an option's value is, by the word that stands for it. */
static const char *const job_words = "suan ps -a -o name 2>/dev/null";
static const char *const image_words = "suan image ls -o name 2>/dev/null";

/* The shell command that lists candidates for a word such as JOB; NULL. */
static const char *source_of(const char *word)
{
    if (word == NULL)
        return NULL;
    if (strncmp(word, "JOB", 3) == 0)
        return job_words;
    if (strncmp(word, "IMAGE", 5) == 0)
        return image_words;
    return NULL;
}

static bool is_choice(const char *word)
{
    return word != NULL && strchr(word, '|') != NULL;
}

/* "a|b|c" as "a b c". */
static void put_choice(const char *words, struct buf *out)
{
    for (; *words != '\0'; words++)
        buf_addf(out, "%c", *words == '|' ? ' ' : *words);
}

/* The first words that may follow `prefix` ("" or "wallet"), each once. The
 * table keeps verbs of one group together. */
static void put_next_words(const char *prefix, struct buf *out)
{
    size_t len = strlen(prefix);
    const char *last = "";
    size_t last_len = 0;
    bool first = true;
    for (const struct verb *verb = verb_next(NULL); verb != NULL;
         verb = verb_next(verb)) {
        const char *word = verb->path;
        size_t word_len;
        if (len > 0) {
            if (strncmp(word, prefix, len) != 0 || word[len] != ' ')
                continue;
            word += len + 1;
        }
        word_len = strcspn(word, " ");
        if (word_len == last_len && strncmp(word, last, word_len) == 0)
            continue;
        buf_addf(out, "%s%.*s", first ? "" : " ", (int)word_len, word);
        last = word;
        last_len = word_len;
        first = false;
    }
}

static void put_option_words(const struct opt *options, struct buf *out)
{
    for (const struct opt *opt = options; opt != NULL && opt->name != NULL;
         opt++)
        buf_addf(out, " --%s", opt->name);
}

/* Calls fn once for every proper prefix of a path: "wallet", "sell offer". */
static void each_group(void (*fn)(const char *group, struct buf *out),
                       struct buf *out)
{
    char last[64] = "";
    char deeper[64] = "";
    for (const struct verb *verb = verb_next(NULL); verb != NULL;
         verb = verb_next(verb)) {
        const char *space = verb->path;
        unsigned depth = 0;
        while ((space = strchr(space, ' ')) != NULL) {
            char group[64];
            char *seen = depth == 0 ? last : deeper;
            snprintf(group, sizeof(group), "%.*s", (int)(space - verb->path),
                     verb->path);
            if (strcmp(group, seen) != 0) {
                snprintf(seen, sizeof(last), "%s", group);
                fn(group, out);
            }
            depth++;
            space++;
        }
    }
}

/* ---- bash ---- */

static void bash_group(const char *group, struct buf *out)
{
    buf_addf(out, "    \"%s\") words=\"", group);
    put_next_words(group, out);
    buf_addf(out, "\" ;;\n");
}

static bool is_path(const char *word)
{
    return strstr(word, "FILE") != NULL || strstr(word, "HOST[") != NULL ||
           strcmp(word, "SOCKET") == 0;
}

/* What may stand after an option that takes a value. */
static void bash_value(const struct opt *opt, struct buf *out)
{
    const char *source = source_of(opt->arg);
    const char *open = "COMPREPLY=($(compgen ";
    const char *close = " -- \"$cur\")); ";
    if (is_choice(opt->arg)) {
        buf_addf(out, "%s-W \"", open);
        put_choice(opt->arg, out);
        buf_addf(out, "\"%s", close);
    } else if (source != NULL) {
        buf_addf(out, "%s-W \"$(%s)\"%s", open, source, close);
    } else if (strcmp(opt->arg, "DIR") == 0) {
        buf_addf(out, "%s-d%s", open, close);
    } else if (is_path(opt->arg)) {
        buf_addf(out, "%s-f%s", open, close);
    }
    buf_addf(out, "return ;;\n");
}

/* Cases of "PATH --OPTION", or "--OPTION" for those of every verb. */
static void bash_values(const char *path, const struct opt *options,
                        struct buf *out)
{
    for (const struct opt *opt = options; opt != NULL && opt->name != NULL;
         opt++) {
        if (opt->arg == NULL)
            continue;
        buf_addf(out, "    \"%s%s--%s\") ", path, path[0] != '\0' ? " " : "",
                 opt->name);
        bash_value(opt, out);
    }
}

static void bash_verb(const struct verb *verb, struct buf *out)
{
    const char *source = source_of(verb->operands);
    buf_addf(out, "    \"%s\") words=\"", verb->path);
    if (is_choice(verb->operands))
        put_choice(verb->operands, out);
    buf_addf(out, "\"; options=\"");
    put_option_words(verb->options, out);
    buf_addf(out, "\"");
    if (source != NULL)
        buf_addf(out, "; [[ $cur != -* ]] && words=\"$(%s)\"", source);
    else if (verb->operands != NULL && strstr(verb->operands, "FILE") != NULL)
        buf_addf(out, "; files=1");
    buf_addf(out, " ;;\n");
}

void complete_bash(struct buf *out)
{
    buf_addf(out, "# bash completion for suan. Try: source <(suan completion "
                  "bash)\n"
                  "_suan() {\n"
                  "  local cur=\"${COMP_WORDS[COMP_CWORD]}\"\n"
                  "  local prev=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
                  "  local path=\"\" words=\"\" options=\"\" files=\"\" i w\n"
                  "  case \"$prev\" in\n");
    bash_values("", global_options, out);
    buf_addf(out, "  esac\n"
                  "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
                  "    w=\"${COMP_WORDS[i]}\"\n"
                  "    [[ $w == -- ]] && return\n"
                  "    [[ $w == -* ]] && continue\n"
                  "    case \" $(_suan_next \"$path\") \" in\n"
                  "    *\" $w \"*) path=\"${path:+$path }$w\" ;;\n"
                  "    esac\n"
                  "  done\n"
                  "  case \"$path $prev\" in\n");
    for (const struct verb *verb = verb_next(NULL); verb != NULL;
         verb = verb_next(verb))
        bash_values(verb->path, verb->options, out);
    buf_addf(out, "  esac\n  case \"$path\" in\n");
    for (const struct verb *verb = verb_next(NULL); verb != NULL;
         verb = verb_next(verb))
        bash_verb(verb, out);
    buf_addf(out, "    *) words=\"$(_suan_next \"$path\")\" ;;\n"
                  "  esac\n"
                  "  if [[ $cur == -* ]]; then\n"
                  "    words=\"$options");
    put_option_words(global_options, out);
    buf_addf(out, "\"\n"
                  "  fi\n"
                  "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                  "  [[ -n $files && $cur != -* ]] &&\n"
                  "    COMPREPLY+=($(compgen -f -- \"$cur\"))\n"
                  "  return 0\n"
                  "}\n"
                  "_suan_next() {\n"
                  "  local words=\"\"\n"
                  "  case \"$1\" in\n"
                  "    \"\") words=\"");
    put_next_words("", out);
    buf_addf(out, "\" ;;\n");
    each_group(bash_group, out);
    buf_addf(out, "  esac\n"
                  "  echo \"$words\"\n"
                  "}\n"
                  "complete -F _suan suan\n");
}

/* ---- zsh: the bash functions through zsh's own bridge ---- */

void complete_zsh(struct buf *out)
{
    buf_addf(out, "#compdef suan\n"
                  "# zsh completion for suan, through bashcompinit. Try:\n"
                  "# source <(suan completion zsh)\n"
                  "autoload -U +X compinit bashcompinit\n"
                  "(( $+functions[compdef] )) || compinit\n"
                  "bashcompinit\n");
    complete_bash(out);
}

/* ---- fish ---- */

/* One text in fish's single quotes. */
static void fish_quote(const char *text, struct buf *out)
{
    buf_addf(out, "'");
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            buf_addf(out, "\\");
        buf_addf(out, "%c", *text);
    }
    buf_addf(out, "'");
}

static void fish_option(const char *path, const struct opt *opt,
                        struct buf *out)
{
    const char *source = source_of(opt->arg);
    buf_addf(out, "complete -c suan");
    if (path[0] != '\0') {
        buf_addf(out, " -n \"__suan_at ");
        buf_addf(out, "%s\"", path);
    }
    buf_addf(out, " -l %s", opt->name);
    if (opt->letter != 0)
        buf_addf(out, " -s %c", opt->letter);
    if (opt->arg != NULL)
        buf_addf(out, " -r");
    if (is_choice(opt->arg)) {
        buf_addf(out, " -f -a \"");
        put_choice(opt->arg, out);
        buf_addf(out, "\"");
    } else if (source != NULL) {
        buf_addf(out, " -f -a \"(%s)\"", source);
    }
    buf_addf(out, " -d ");
    fish_quote(opt->help, out);
    buf_addf(out, "\n");
}

static void fish_verb(const struct verb *verb, struct buf *out)
{
    const char *space = strrchr(verb->path, ' ');
    const char *source = source_of(verb->operands);
    if (space == NULL)
        buf_addf(out, "complete -c suan -n __suan_at -f -a %s -d ", verb->path);
    else
        buf_addf(out, "complete -c suan -n \"__suan_at %.*s\" -f -a %s -d ",
                 (int)(space - verb->path), verb->path, space + 1);
    fish_quote(verb->line, out);
    buf_addf(out, "\n");
    if (source != NULL)
        buf_addf(out, "complete -c suan -n \"__suan_at %s\" -f -a \"(%s)\"\n",
                 verb->path, source);
    if (is_choice(verb->operands)) {
        buf_addf(out, "complete -c suan -n \"__suan_at %s\" -f -a \"",
                 verb->path);
        put_choice(verb->operands, out);
        buf_addf(out, "\"\n");
    }
    for (const struct opt *opt = verb->options;
         opt != NULL && opt->name != NULL; opt++)
        fish_option(verb->path, opt, out);
}

/* A group's own word, offered before it is there. */
static void fish_group(const char *group, struct buf *out)
{
    const char *space = strrchr(group, ' ');
    if (space == NULL)
        buf_addf(out, "complete -c suan -n __suan_at -f -a %s\n", group);
    else
        buf_addf(out, "complete -c suan -n \"__suan_at %.*s\" -f -a %s\n",
                 (int)(space - group), group, space + 1);
}

void complete_fish(struct buf *out)
{
    buf_addf(out, "# fish completion for suan. Try: suan completion fish | "
                  "source\n"
                  "function __suan_at\n"
                  "  set -l words (commandline -opc)\n"
                  "  set -l plain\n"
                  "  for w in $words[2..-1]\n"
                  "    string match -q -- '-*' $w; or set -a plain $w\n"
                  "  end\n"
                  "  set -l want (count $argv)\n"
                  "  if test $want -eq 0\n"
                  "    test (count $plain) -eq 0\n"
                  "    return\n"
                  "  end\n"
                  "  test \"$plain[1..$want]\" = \"$argv\"\n"
                  "end\n");
    each_group(fish_group, out);
    for (const struct verb *verb = verb_next(NULL); verb != NULL;
         verb = verb_next(verb))
        fish_verb(verb, out);
    for (const struct opt *opt = global_options; opt->name != NULL; opt++)
        fish_option("", opt, out);
}
