"""Making a virtual environment with uv, or a conda environment where conda is installed."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import IO, Any

from msgspec import Struct
from workbench_store.errors import EnvironmentFailed
from workbench_store.locks import FileLock

from workbench.environment.conda_file import PYPI_NAMES
from workbench.environment.definition import EnvironmentDefinition
from workbench.environment.indexes import index_variables
from workbench.environment.interpreters import Interpreter
from workbench.environment.local_packages import clean_copies, refuse_changed
from workbench.environment.pip_options import UvOptions, for_uv
from workbench.environment.uv_folders import uv_folders

_CONDAS = ("micromamba", "mamba", "conda")
_NOT_FOUND = re.compile(
    r"(?:Because |^\s*)([A-Za-z0-9._-]+) was not found in the (?:package registry|provided package)", re.M
)
_TAIL_LINES = 12


class Making(Struct, frozen=True):
    """What the programs that make an environment are given: the log to write to, and the lock on its place, which they
    hold with us: where we are killed, nobody begins anew while one of them still writes there."""

    log: IO[str]
    lock: FileLock


def conda_program() -> str | None:
    """conda, mamba or micromamba, where one is installed; WORKBENCH_CONDA names one, or is empty for none."""
    named = os.environ.get("WORKBENCH_CONDA")
    if named is not None:
        return shutil.which(named) if named else None
    return next((path for name in _CONDAS if (path := shutil.which(name))), None)


def build_with_uv(definition: EnvironmentDefinition, interpreter: Interpreter, target: Path, making: Making) -> None:
    """Make the environment at `target`, which must not exist. Raises EnvironmentFailed with the end of the log."""
    import uv

    program = uv.find_uv_bin()
    options = for_uv(definition.options)
    variables = {
        **{key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH", "CONDA_PREFIX")},
        **index_variables(os.environ, options.hosts),
        **uv_folders(os.environ),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
        "NO_COLOR": "1",
    }
    _make_bare([program, "venv", "--python", interpreter.path, "--no-project"], target, variables, making, definition)
    listed = target / "requirements.txt"
    copies = target.with_name(f"{target.name}.local")
    shutil.rmtree(copies, ignore_errors=True)  # of a build that was killed
    try:
        refuse_changed(definition.local)
        requirements = clean_copies(definition.local, definition.requirements, copies)
        listed.write_text("\n".join([*options.lines, *requirements]) + "\n", encoding="utf-8")
        _install(definition, options, program, target, listed, variables, making)
    finally:
        shutil.rmtree(copies, ignore_errors=True)


def _install(
    definition: EnvironmentDefinition,
    options: UvOptions,
    program: str,
    target: Path,
    listed: Path,
    variables: dict[str, str],
    making: Making,
) -> None:
    if definition.requirements:
        install = [program, "pip", "install", "--no-config" if _configured(variables) else "--quiet"]
        command = [*install, *options.words, "--python", str(target / "bin" / "python"), "-r", str(listed)]
        if definition.constraints:
            constraints = target / "constraints.txt"
            constraints.write_text("\n".join(definition.constraints) + "\n", encoding="utf-8")
            command += ["-c", str(constraints)]
        if definition.local:
            command.append("--refresh")  # else uv takes what it built of a folder before, though its code has changed
        _run(command, variables, making, definition)


def _make_bare(
    command: list[str], target: Path, variables: dict[str, str], making: Making, definition: EnvironmentDefinition
) -> None:
    """An environment with pip alone: from the index, or Python's own where no index has it."""
    code, words = _call([*command, "--seed", str(target)], variables, making)
    if code < 0:
        raise _failure(definition, words, code)
    if code > 0:
        shutil.rmtree(target, ignore_errors=True)
        _run([*command, str(target)], variables, making, definition)
        # pip asks programs on PATH for their versions, and they may write into the user's home.
        alone = {**variables, "PATH": str(target / "bin")}
        _run([str(target / "bin" / "python"), "-I", "-m", "ensurepip", "--default-pip"], alone, making, definition)


def look_into_prefix(target: Path) -> None:
    """Let the environment's Python follow the .pth files of what a job installs, as of `pip install -e`, in its own
    folder: PYTHONPATH alone does not."""
    for folder in target.glob("lib/python*/site-packages"):
        (folder / "workbench-prefix.pth").write_text(
            "import os, site; folder = os.environ.get('PIP_PREFIX'); "
            f"folder and site.addsitedir(os.path.join(folder, 'lib', {folder.parent.name!r}, 'site-packages'))\n",
            encoding="utf-8",
        )


def _configured(variables: dict[str, str]) -> bool:
    """Whether indexes are given by variables, so that a project's own uv settings must not count."""
    return "UV_DEFAULT_INDEX" in variables or "UV_INDEX" in variables


def build_with_conda(definition: EnvironmentDefinition, program: str, target: Path, making: Making) -> None:
    """Make the environment from its conda definition. Raises EnvironmentFailed."""
    file = target.with_name(target.name + ".conda.yml")
    constraints = target.with_name(target.name + ".constraints.txt")
    constraints.write_text("\n".join(definition.constraints) + "\n", encoding="utf-8")
    file.write_text(json.dumps({**_conda_placed(definition, constraints), "name": None}), encoding="utf-8")
    refuse_changed(definition.local)
    command = [program, "env", "create", "--yes", "-p", str(target), "-f", str(file)]
    if "micromamba" in Path(program).name:
        command = [program, "create", "--yes", "-p", str(target), "-f", str(file)]
    try:
        _run(command, dict(os.environ), making, definition)
    finally:
        file.unlink(missing_ok=True)
        constraints.unlink(missing_ok=True)


def _conda_placed(definition: EnvironmentDefinition, constraints: Path) -> dict[str, Any]:
    """The conda definition, with the files that its pip lines name where they are: it is read from elsewhere."""
    conda = dict(definition.conda or {})
    pip = [*definition.pip, *([f"-c {constraints}"] if definition.constraints else [])]
    if pip:
        conda["dependencies"] = [one for one in conda.get("dependencies") or () if isinstance(one, str)]
        conda["dependencies"].append({"pip": pip})
    return conda


def _run(command: list[str], variables: dict[str, str], making: Making, definition: EnvironmentDefinition) -> None:
    code, words = _call(command, variables, making)
    if code != 0:
        raise _failure(definition, words, code)


def _call(command: list[str], variables: dict[str, str], making: Making) -> tuple[int, str]:
    """How the program ended (negative: the signal), and what it said."""
    log, lock = making.log, making.lock.descriptor
    log.write(f"$ {' '.join(command)}\n")
    log.flush()
    start = os.fstat(log.fileno()).st_size
    # A run's own variables stay here: a program that carried them would be spared when the run is cancelled.
    variables = {name: value for name, value in variables.items() if not name.startswith("WORKBENCH_")}
    try:
        done = subprocess.run(
            command,
            env=variables,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd="/",
            pass_fds=() if lock is None else (lock,),
        )
    except OSError as error:
        raise EnvironmentFailed(f"{command[0]} cannot be run: {error}") from error
    return done.returncode, _since(log.name, start)


def _since(path: str, start: int) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        file.seek(start)
        return file.read()


def _failure(definition: EnvironmentDefinition, words: str, code: int) -> EnvironmentFailed:
    missing = sorted(set(_NOT_FOUND.findall(words)))
    if missing:
        return EnvironmentFailed(
            f"environment {definition.label}: no package index has {', '.join(missing)}", remedy=_near(missing)
        )
    tail = "\n".join(f"    {line}" for line in words.strip().splitlines()[-_TAIL_LINES:])
    ended = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
    return EnvironmentFailed(
        f"environment {definition.label} cannot be made; the installer {ended}:\n{tail}",
        remedy="Mend the conda file; the whole log: workbench logs RUN --environment",
    )


def _near(missing: list[str]) -> str:
    """Names that PyPI has and that look like those it has not."""
    import difflib

    known = sorted({*PYPI_NAMES.values(), *_POPULAR})
    hints = []
    for name in missing:
        near = difflib.get_close_matches(name.lower(), known, 2, 0.6)
        if near:
            hints.append(f"did you mean {' or '.join(near)} in place of {name}?")
    text = "; ".join(hints)
    return (text[:1].upper() + text[1:]) if text else "Check the names; what only conda has needs conda or an image."


#: What jobs ask for most, to tell what a mistyped name may have meant.
_POPULAR = (
    "accelerate albumentations azure-identity boto3 catboost datasets deepspeed fastapi fastai fsspec gensim h5py "
    "huggingface-hub humanize imbalanced-learn joblib jupyter keras lightgbm lightning matplotlib mlflow networkx nltk "
    "numba numpy onnx onnxruntime openpyxl optuna pandas peft pillow plotly polars prophet psutil pyarrow pydantic "
    "pytorch-lightning pyyaml ray requests rich scikit-image scikit-learn scipy seaborn sentence-transformers shap "
    "spacy sqlalchemy statsmodels streamlit sympy tensorboard tensorflow timm tokenizers torch torchaudio torchmetrics "
    "torchvision tqdm transformers typer umap-learn wandb xarray xgboost"
).split()
