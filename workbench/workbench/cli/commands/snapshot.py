"""Show what would go into a snapshot of a code folder, before anything runs: nothing is written.

examples:
  workbench snapshot             # this folder
  workbench snapshot ./src --json
  workbench snapshot job.yml     # the code folder of a job file
"""

import argparse
from pathlib import Path

from workbench.cli.exit_codes import ExitCode


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench snapshot`."""
    parser.add_argument("path", nargs="?", type=Path, default=Path(), help="a code folder, file or job file")
    parser.add_argument("--follow-links", action="store_true", help="let links lead out of the folder")
    parser.add_argument("--all", action="store_true", help="list every file that goes in")
    parser.add_argument("--json", action="store_true", help="everything as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the preview; 3 if a snapshot would be refused."""
    from workbench_store.snapshot.preview import preview

    from workbench.cli.output import emit_json
    from workbench.cli.snapshot_report import as_dict, print_report

    code = _code_of(arguments.path)
    seen = preview(code, follow_links=arguments.follow_links)
    if arguments.json:
        emit_json(as_dict(seen))
    else:
        print_report(code, seen, every_file=arguments.all)
    return ExitCode.BAD_SPEC if seen.outside else ExitCode.COMPLETED


def _code_of(path: Path) -> Path:
    if path.is_file() and path.suffix in {".yml", ".yaml"}:
        from workbench_store.errors import SpecError

        from workbench.spec import load_job

        code = load_job(path).code
        if not isinstance(code, Path):
            raise SpecError(f"{path} names no local code folder", remedy="Give the folder itself.")
        return code
    return path
