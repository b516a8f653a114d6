"""`python -m workbench` is the `workbench` command."""

from workbench.cli.main import entry

if __name__ == "__main__":
    entry()
