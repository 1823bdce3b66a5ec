import type { Shell } from "../arguments/arguments.ts";

/**
 * What a shell reads to complete the command. Each asks the hidden `orchestrate __complete`, which answers with a line
 * per word, `WORD<tab>WHAT IT MEANS`, and perhaps a line `:plans`, `:files` or `:folders`.
 */
export const SCRIPTS: Readonly<Record<Shell, string>> = {
  // As of bash 3.2, which macOS has: no mapfile, no compopt.
  bash: String.raw`# orchestrate: completion for bash. Load it with
#   source <(orchestrate completion bash)
# or keep it: orchestrate completion bash > ~/.local/share/bash-completion/completions/orchestrate
_orchestrate() {
  local current=$2 line
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :plans)
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
          compgen -d -- "$current"
          compgen -f -- "$current" | grep -E '\.ya?ml$'
        ) ;;
      :files)
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current") ;;
      :folders)
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$current") ;;
      *) COMPREPLY+=("$line") ;;
    esac
  done < <(orchestrate __complete bash "$current" "${"$"}{COMP_LINE:0:COMP_POINT}" 2>/dev/null)
}
complete -F _orchestrate orchestrate
`,
  zsh: String.raw`#compdef orchestrate
# orchestrate: completion for zsh. Load it (after compinit) with
#   source <(orchestrate completion zsh)
# or keep it as _orchestrate in a folder of your $fpath.
_orchestrate() {
  local line paths
  local -a described
  while IFS= read -r line; do
    case $line in
      :*) paths=$line ;;
      *) described+=("${"$"}{${"$"}{line%%$'\t'*}//:/\\:}:${"$"}{line#*$'\t'}") ;;
    esac
  done < <(orchestrate __complete zsh "${"$"}{(@Q)words[2,CURRENT-1]}" "${"$"}{(Q)PREFIX}" 2>/dev/null)
  (( $#described )) && _describe -V orchestrate described
  case $paths in
    :plans) _files -g '*.(yaml|yml)(-.)' ;;
    :files) _files ;;
    :folders) _files -/ ;;
  esac
}
if [[ $funcstack[1] = _orchestrate ]]; then _orchestrate "$@"; else compdef _orchestrate orchestrate; fi
`,
  fish: String.raw`# orchestrate: completion for fish. Load it with
#   orchestrate completion fish | source
# or keep it: orchestrate completion fish > ~/.config/fish/completions/orchestrate.fish
function __orchestrate_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct | string unescape)
    for line in (orchestrate __complete fish $before[2..] "$current" 2>/dev/null)
        switch $line
            case ':plans'
                __fish_complete_path "$current" | string match -r '^.*(?:/|\.ya?ml)(?:\t.*)?$'
            case ':files'
                __fish_complete_path "$current"
            case ':folders'
                __fish_complete_directories "$current" ''
            case '*'
                echo $line
        end
    end
end
complete -c orchestrate -e
complete -c orchestrate -f -a '(__orchestrate_complete)'
`,
};
