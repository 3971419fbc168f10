/**
 * What a shell runs to complete a word: it asks the program itself, so that it never knows less than the program does. The
 * words are handed over as they are and are evaluated by nobody. An answer is a line for each word, with its description
 * after a tab; a line `:files` asks the shell for files.
 * https://www.gnu.org/software/bash/manual/html_node/Programmable-Completion.html,
 * https://zsh.sourceforge.io/Doc/Release/Completion-System.html, https://fishshell.com/docs/current/completions.html
 */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** What a shell calls; people do not. */
export const ASKING = "__complete";
/** Instead of a word: files. */
export const FILES_LINE = ":files";

/** For bash 3.2 too, which macOS has. */
const BASH = `# holdfast completion for bash: source <(holdfast completion bash)
_holdfast() {
  local line current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == ${FILES_LINE} ]]; then
      [[ $current == "=" ]] && current=""
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current")
    else
      COMPREPLY+=("\${line%%$'\\t'*}")
    fi
  done < <("$1" ${ASKING} bash -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null </dev/null)
}
complete -F _holdfast holdfast
`;

const ZSH = `#compdef holdfast
# holdfast completion for zsh: source <(holdfast completion zsh), after compinit
_holdfast() {
  local line word
  local -a entries
  for line in "\${(@f)$("\${words[1]}" ${ASKING} zsh -- "\${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null </dev/null)}"; do
    if [[ -z $line ]]; then
      continue
    elif [[ $line == ${FILES_LINE} ]]; then
      compset -P '--*='
      _files
    else
      word="\${line%%$'\\t'*}"
      entries+=("\${word//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done
  (( $#entries )) && _describe -t values holdfast entries
}
if [[ $funcstack[1] == _holdfast ]]; then
  _holdfast "$@"
else
  compdef _holdfast holdfast
fi
`;

const FISH = `# holdfast completion for fish: holdfast completion fish | source
function __holdfast_complete
  set -l words (commandline -opc)
  for line in ($words[1] ${ASKING} fish -- $words[2..-1] (commandline -ct) 2>/dev/null </dev/null)
    if test "$line" = ${FILES_LINE}
      __fish_complete_path (string replace -r -- '^--[^=]*=' '' (commandline -ct))
    else
      printf '%s\\n' $line
    end
  end
end
complete -c holdfast -f -a '(__holdfast_complete)'
`;

const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

export function completionScript(shell: Shell): string {
  return SCRIPTS[shell];
}
