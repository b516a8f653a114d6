"""One file for each command: `prepare_parser(parser)` declares its arguments, `run(arguments)` gives its exit code."""
