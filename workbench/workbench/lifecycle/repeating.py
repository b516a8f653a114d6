"""Running a run again: from its own snapshot, spec and environment, with what the user changes."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from workbench_store.absence import check_run
from workbench_store.errors import RunError
from workbench_store.layout import RunLayout, WorkspaceLayout

from workbench.data.assets import AssetVersion, list_assets
from workbench.data.fingerprint import differs, only_times_differ, stat_fingerprint
from workbench.lifecycle.drafting import SECRETS_PROPERTY, Earlier, environment_of
from workbench.lifecycle.files import read_json
from workbench.lifecycle.filling import Narrate
from workbench.lifecycle.fingerprints import recorded
from workbench.lifecycle.plan import Plan, read_plan
from workbench.lifecycle.repeated import RERUN_PROPERTY
from workbench.lifecycle.submission import submit
from workbench.spec import CommandJob, job_again


class Rerun(Struct, frozen=True):
    """The new run's name, and what is not as it was: local data that has changed since. What is fetched is compared
    once it is there, and the new run has the warning."""

    name: str
    warnings: tuple[str, ...]


def rerun(
    layout: WorkspaceLayout,
    name: str,
    overrides: Iterable[str] = (),
    *,
    compute: str | None = None,
    apart: bool = False,
    narrate: Narrate | None = None,
    before_shown: Callable[[], None] | None = None,
) -> Rerun:
    """Submit the run of exactly that name again. `overrides` are `KEY=VALUE` texts, as for `run --set`; their relative
    paths begin at the current folder. An output that the run has registered under a version of its own is registered
    as the next version. A run `apart` touches nothing that the first one made: every output is kept in its own folder,
    and registered nowhere.

    The snapshot is the run's own, unless `code` is overridden, and the environment too, unless `environment` is. An
    input that is a data asset or model is of the version that the run had, unless its path is overridden.
    Variables whose values were kept out of the record are taken from this process's environment. `narrate` and
    `before_shown` are as for `submit`. Raises NotFound,
    RunError for a run that has no job or for variables that are missing, and what `submit` raises.
    """
    files = layout.run(name)
    check_run(layout, name)
    spec = read_json(files.spec)
    if spec is None:
        raise RunError(f"run {name} was opened by a script, so it has no job to run again", remedy="Run the script.")
    plan = read_plan(files)
    texts = list(overrides)
    _check_inputs(plan, texts)
    taken = [asset for asset in list_assets(layout) if asset.run == name]
    told = _with_assets(_kept_apart(spec) if apart else _without_versions(spec, taken), plan)
    job = _of_the_run(job_again(_without_name(told), Path.cwd(), texts), name, plan)
    submitted = submit(
        layout,
        _with_secrets(job, plan, name),
        earlier=_earlier(files, plan, job, texts),
        compute=compute,
        narrate=narrate,
        before_shown=before_shown,
    )
    read = {item.path for item in read_plan(layout.run(submitted)).inputs}
    return Rerun(submitted, tuple(changed_inputs(files, plan, lambda path: path in read)))


def _check_inputs(plan: Plan, overrides: Iterable[str]) -> None:
    """Raises RunError for local data of the run that are gone, unless others are named in their place."""
    changed = {text.partition("=")[0].strip() for text in overrides}
    for item in plan.inputs:
        if item.path is None or not item.local or item.asset or item.source_run:
            continue  # of an asset or a run it is told what has become of that
        given = {"inputs", f"inputs.{item.name}", f"inputs.{item.name}.path"} & changed
        if not given and not os.path.lexists(item.path):
            raise RunError(
                f"the input {item.name} of run {plan.name} is gone: {item.path}",
                remedy=f"Bring it back, or: workbench rerun {plan.name} --set inputs.{item.name}.path=PATH",
            )


def _kept_apart(spec: dict[str, Any]) -> dict[str, Any]:
    """The spec with outputs that are kept in the run's folder alone: at `path` and under `name` are the first run's."""
    theirs = ("path", "name", "version")
    return _with_outputs(spec, lambda output: {key: output[key] for key in output if key not in theirs})


def _without_versions(spec: dict[str, Any], taken: Iterable[AssetVersion]) -> dict[str, Any]:
    found = {(asset.name, asset.version) for asset in taken}

    def free(output: dict[str, Any]) -> dict[str, Any]:
        is_taken = (output.get("name"), output.get("version")) in found
        return {key: value for key, value in output.items() if not (is_taken and key == "version")}

    return _with_outputs(spec, free)


def _with_assets(spec: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """The spec with inputs of the versions that the run had: `@latest` may be another one by now."""
    had = {item.name: item.asset for item in plan.inputs if item.asset is not None}
    inputs = {
        name: {**given, "path": had[name]} if name in had and isinstance(given, dict) else given
        for name, given in (spec.get("inputs") or {}).items()
    }
    return {**spec, "inputs": inputs}


def _with_outputs(spec: dict[str, Any], change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    outputs = {
        name: change(output) if isinstance(output, dict) else output
        for name, output in (spec.get("outputs") or {}).items()
    }
    return {**spec, "outputs": outputs}


def _without_name(spec: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key != "name"}


def _of_the_run(job: CommandJob, name: str, plan: Plan) -> CommandJob:
    """Says of which run it is the repetition, and is of its experiment, from whatever folder it is submitted."""
    properties = {key: value for key, value in job.properties.items() if key != SECRETS_PROPERTY}
    experiment = job.experiment_name or plan.experiment
    return replace(job, properties={**properties, RERUN_PROPERTY: name}, experiment_name=experiment)


def _with_secrets(job: CommandJob, plan: Plan, name: str) -> CommandJob:
    wanted = [key for key in plan.secrets if key not in job.environment_variables]
    missing = [key for key in wanted if key not in os.environ]
    if missing:
        raise RunError(
            f"run {name} was given {', '.join(missing)}, whose value is not recorded as it looks like a secret",
            remedy="Set it in this environment, and try again; so that it is neither shown nor kept by the shell: "
            f"read -rs {missing[0]}; export {missing[0]}",
        )
    return replace(job, environment_variables={**job.environment_variables, **{key: os.environ[key] for key in wanted}})


def _earlier(files: RunLayout, plan: Plan, job: CommandJob, overrides: Iterable[str]) -> Earlier | None:
    """What is taken over; None where the user names other code and another environment is made from the spec anyway."""
    changed = {text.partition("=")[0].partition(".")[0].strip() for text in overrides}
    if "code" in changed:
        return None
    if "environment" in changed:
        return Earlier(plan.snapshot, environment_of(job), plan.git, files)
    return Earlier(plan.snapshot, plan.environment, plan.git, files)


def changed_inputs(files: RunLayout, plan: Plan, counts: Callable[[str], bool] = bool) -> Iterable[str]:
    """For each input whose data is not as it was when the run was submitted, by sizes and times, and by content where
    that is known and little enough to read again: so in words. Of those paths that count."""
    known = recorded(files)
    for item in plan.inputs:
        before = known.stats.get(item.name)
        if item.path is None or not counts(item.path) or before is None or not Path(item.path).exists():
            continue
        place = Path(item.path)
        now = stat_fingerprint(place)
        if differs(before, now) and not only_times_differ(place, now, known.contents.get(item.name)):
            yield f"the input {item.name} is not as it was: {item.path} has changed since"
