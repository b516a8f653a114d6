"""A path in a command is one word to the shell, whatever it holds and however the command quotes it."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workbench.spec import resolve_command

FORMS = [
    "printf %s ${{inputs.p}}",
    "printf %s '${{inputs.p}}'",
    'printf %s "${{inputs.p}}"',
    "# don't stumble over this\nprintf %s ${{inputs.p}}",
    'echo "it\'s" >&2; printf %s ${{ inputs.p }}',
    'echo \\" >&2; printf %s "${{inputs.p}}"',
    "echo a#b'c d' >&2; printf %s ${{inputs.p}}",
    'printf %s "$(printf %s "${{inputs.p}}")"',
    'printf %s "$(printf %s ${{inputs.p}})"',
    "(printf %s ${{inputs.p}})",
    "cat <<E >&2\nit's 'fine\nE\nprintf %s ${{inputs.p}}",
    "cat <<-'E' >&2\n\tan \"open quote\n\tE\nprintf %s '${{inputs.p}}'",
    "python3 -c 'import sys; sys.stdout.write(sys.stdin.read()[:-1])' <<E\n${{inputs.p}}\nE",
    "python3 -c 'import sys; sys.stdout.write(sys.stdin.read()[:-1])' <<'E'\n${{inputs.p}}\nE",
]

_LETTERS = st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f")
#: `E` alone would end the here-documents above, and dash, often `sh`, misreads what begins with it.
PATHS = st.text(_LETTERS, max_size=20).filter(lambda path: not path.startswith("E"))


@pytest.mark.parametrize("form", FORMS)
@given(PATHS)
@settings(max_examples=25)
def test_the_shell_sees_the_path(form: str, path: str) -> None:
    command = resolve_command(form, {"p": path}, {}, ["p"])
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True)
    assert done.stdout.decode() == path


def test_plain_paths_and_literals_are_put_in_as_they_are() -> None:
    text = "${{inputs.p}} ${{inputs.l}} ${{outputs.o}}"
    values = {"p": "/data/a-b_c.csv", "l": "a b; $HOME"}
    assert resolve_command(text, values, {"o": "/out/x"}, ["p"]) == "/data/a-b_c.csv a b; $HOME /out/x"
