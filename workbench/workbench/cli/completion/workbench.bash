# Completion of `workbench` for bash (3.2 and later). Load it with: eval "$(workbench completion bash)"
_workbench_complete() {
    local kind= line program="${COMP_WORDS[0]/#\~/$HOME}"
    COMPREPLY=()
    while IFS= read -r line; do
        if [ -z "$kind" ]; then
            kind=$line
        else
            COMPREPLY+=("${line%%$'\t'*}")
        fi
    done < <(command "$program" completion candidates --breaks="$COMP_WORDBREAKS" \
        --line="${COMP_LINE:0:$COMP_POINT}" 2>/dev/null)
    if [ "$kind" = paths ]; then
        compopt -o filenames 2>/dev/null
    fi
    if [ "${#COMPREPLY[@]}" -eq 1 ]; then
        case "${COMPREPLY[0]}" in
            *[:=/]) compopt -o nospace 2>/dev/null ;;
        esac
    fi
}
complete -F _workbench_complete workbench
