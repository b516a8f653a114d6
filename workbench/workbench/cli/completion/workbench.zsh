#compdef workbench
# Completion of `workbench` for zsh. Load it with: eval "$(workbench completion zsh)"
_workbench_complete() {
    local -a lines open_values open_shown closed_values closed_shown
    local line value text base
    lines=("${(@f)$(command "${(Q)words[1]/#\~/$HOME}" completion candidates --line="${(j: :)words[1,CURRENT]}" 2>/dev/null)}")
    [[ "$lines[1]" == paths ]] && compset -P '*/'
    for line in "${(@)lines[2,-1]}"; do
        value="${line%%$'\t'*}" text="${line#*$'\t'}"
        if [[ "$lines[1]" == paths ]]; then
            base="${value%/}"
            value="${base##*/}${value#$base}"
        fi
        [[ "$text" == "$line" || -z "$text" ]] && text="$value" || text="$value  -- $text"
        if [[ "$value" == *[:=/] ]]; then
            open_values+=("$value") open_shown+=("$text")
        else
            closed_values+=("$value") closed_shown+=("$text")
        fi
    done
    (( $#open_values )) && compadd -S '' -l -d open_shown -a open_values
    (( $#closed_values )) && compadd -l -d closed_shown -a closed_values
    return $(( ! $#open_values && ! $#closed_values ))
}
if (( ! $+functions[compdef] )); then
    autoload -Uz compinit && compinit -D
fi
compdef _workbench_complete workbench
