# Completion of `workbench` for fish. Load it with: workbench completion fish | source
function __workbench_complete
    set -l words (commandline -opc)
    set -l lines (command $words[1] completion candidates --line=(commandline -cp) 2>/dev/null)
    test (count $lines) -gt 1; and printf '%s\n' $lines[2..-1]
end
complete -c workbench -e
complete -c workbench -f -a '(__workbench_complete)'
