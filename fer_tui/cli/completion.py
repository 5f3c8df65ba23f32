"""fer-tui completion: the script that lets a shell complete commands, flags, methods, parameters and files."""

from __future__ import annotations

import argparse
import sys

from . import streams

EXAMPLES = (
    "fer-tui completion bash > ~/.local/share/bash-completion/completions/fer-tui",
    "fer-tui completion fish > ~/.config/fish/completions/fer-tui.fish",
)

# Each script asks `fer-tui completion words -- WORD...`, which answers one candidate a line, a tab, what it means; a
# line without a candidate stands for files.
_BASH = r"""# bash completion of fer-tui; in ~/.bashrc: source <(fer-tui completion bash)
_fer_tui() {
    local IFS=$' \t\n' cur line text words
    read -ra words <<< "${COMP_LINE:0:COMP_POINT}"
    [[ "${COMP_LINE:0:COMP_POINT}" == *[[:space:]] ]] && words+=("")
    cur="${words[-1]}"
    local head="${cur%"${cur##*[=:]}"}"  # what bash takes for words of their own, up to = or :
    [[ "$COMP_WORDBREAKS" == *[=:]* ]] || head=""
    COMPREPLY=()
    while IFS= read -r line; do
        text="${line%%$'\t'*}"
        if [[ -z "$text" ]]; then
            compopt -o filenames 2>/dev/null
            while IFS= read -r text; do COMPREPLY+=("${text#"$head"}"); done < <(compgen -f -- "$cur")
        else
            [[ "$text" == *= ]] && compopt -o nospace 2>/dev/null
            COMPREPLY+=("${text#"$head"}")
        fi
    done < <("${words[0]}" completion words -- "${words[@]:1}" 2>/dev/null)
}
complete -F _fer_tui fer-tui
"""
_ZSH = r"""#compdef fer-tui
# zsh completion of fer-tui; in ~/.zshrc, after compinit: source <(fer-tui completion zsh)
_fer_tui() {
    local line text files=0
    local -a plain keys shown_plain shown_keys
    for line in "${(@f)$("${words[1]}" completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        text="${line%%$'\t'*}"
        if [[ "$line" == $'\t'* ]]; then files=1
        elif [[ "$text" == *= ]]; then keys+=("$text"); shown_keys+=("$text  ${line#*$'\t'}")
        elif [[ -n "$text" ]]; then plain+=("$text"); shown_plain+=("$text  ${line#*$'\t'}")
        fi
    done
    (( $#plain )) && compadd -l -d shown_plain -a plain
    (( $#keys )) && compadd -l -S '' -d shown_keys -a keys
    (( files )) && _files
    return 0
}
compdef _fer_tui fer-tui
"""
_FISH = r"""# fish completion of fer-tui
function __fer_tui_words
    set -l typed (commandline -opc) (commandline -ct)
    for line in ($typed[1] completion words -- $typed[2..-1] 2>/dev/null)
        if string match -q -- \t'*' $line
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c fer-tui -f -a '(__fer_tui_words)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=(*SCRIPTS, "words"), help="which shell; words: what a script asks")
    parser.add_argument("typed", nargs="*", metavar="WORD", help="words: what is typed after fer-tui, after --")


def run(arguments: argparse.Namespace) -> int:
    if arguments.shell != "words":
        sys.stdout.write(SCRIPTS[arguments.shell])
        return 0
    from .completing import words_for

    for text, told in words_for(arguments.typed):
        streams.put(f"{text}\t{' '.join(told.split())}")
    return 0
