"""`python -m workbench` is the `workbench` command."""

from workbench.cli.entry import entry

if __name__ == "__main__":
    entry()
