"""Whatever a file holds, loading it gives a job or SpecErrors; and a job survives being written down."""

import io
import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from workbench.spec import SpecErrors, check_job, job_from_dict, job_to_dict, job_to_yaml, load_job
from workbench.spec.load import job_from_python
from workbench.spec.report import render_problems

JOBS = Path(__file__).parents[1] / "data" / "jobs"
CORPUS = [path.read_text("utf-8") for path in sorted(JOBS.glob("valid/*.yml"))]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True)
LITERALS = st.one_of(
    TEXT, st.integers(-(2**63), 2**63), st.floats(allow_nan=False, allow_infinity=False), st.booleans()
)
DATA = st.fixed_dictionaries(
    {"path": st.sampled_from(["https://example.org/a", "azureml:a:1"])},
    optional={
        "type": st.sampled_from(["uri_file", "uri_folder", "mlflow_model"]),
        "mode": st.sampled_from(["ro_mount", "download", "direct"]),
    },
)
JOB = st.fixed_dictionaries(
    {"command": TEXT.filter(lambda text: text.strip() != "" and "${{" not in text)},
    optional={
        "inputs": st.dictionaries(NAMES, st.one_of(LITERALS, DATA), max_size=4),
        "outputs": st.dictionaries(NAMES, st.one_of(st.none(), st.just({"type": "uri_file"})), max_size=2),
        "tags": st.dictionaries(TEXT, st.one_of(TEXT, st.none()), max_size=3),
        "description": TEXT,
        "environment_variables": st.dictionaries(NAMES, LITERALS, max_size=3),
        "environment": st.sampled_from(["azureml:a:1", "azureml:a@latest"]),
        "limits": st.fixed_dictionaries({"timeout": st.integers(1, 10**9)}),
    },
)


@given(JOB)
def test_a_job_survives_yaml_and_json(data: dict[str, Any]) -> None:
    job = job_from_python(data, JOBS)
    wanted = job_to_dict(job)
    assert job_to_dict(job_from_dict(json.loads(json.dumps(wanted)), JOBS)) == wanted
    again = load_job(io.StringIO(job_to_yaml(job)), relative_origin=JOBS)
    assert job_to_dict(again) == wanted


ODD = ["\t", "{", "}", "[", "]", "*a", "&a ", "<<: ", "? ", "null", ": ", "\n", "!!binary ", "'", '"\\ud800"']


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A valid file with pieces cut out, or swapped for odd ones or for some of another file."""
    text = draw(st.sampled_from(CORPUS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 30)))
        other = draw(st.sampled_from(CORPUS))[start:end]
        text = text[:start] + draw(st.one_of(st.sampled_from(["", other, *ODD]), TEXT)) + text[end:]
    return text


@settings(max_examples=300)
@given(mutated())
def test_a_broken_file_never_gives_a_traceback(text: str) -> None:
    try:
        load_job(io.StringIO(text), relative_origin=JOBS / "valid")
    except SpecErrors as error:
        assert error.problems
        assert all(problem.severity == "error" for problem in error.problems)


@given(st.one_of(st.binary(max_size=200), TEXT.map(lambda text: text.encode())))
def test_any_bytes_are_judged(tmp_path_factory: Any, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "job.yml"
    path.write_bytes(data)
    problems = check_job(path)
    assert all(line.isprintable() for line in render_problems(problems).split("\n"))
