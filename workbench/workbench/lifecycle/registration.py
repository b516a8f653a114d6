"""Outputs registered as data assets or models at the end of a Completed run."""

from pathlib import Path

from workbench_store.errors import WorkbenchError
from workbench_store.faults import fault

from workbench.data.assets import AssetVersion, add_asset, kind_of_type, list_assets, word
from workbench.data.fingerprint import content_fingerprint, stat_fingerprint
from workbench.lifecycle.output_check import was_written
from workbench.lifecycle.plan import PlannedOutput
from workbench.lifecycle.supervision import Supervision


def register_outputs(supervision: Supervision) -> None:
    """Register every output that has a name in the spec. What cannot be registered is a warning: the output is safe."""
    for output, name in supervision.plan.registered:
        try:
            _register(supervision, output, name)
        except (WorkbenchError, OSError) as error:
            _warn(supervision, output, error.message if isinstance(error, WorkbenchError) else str(error))


def _register(supervision: Supervision, output: PlannedOutput, name: str) -> None:
    run, kind = supervision.plan.name, kind_of_type(output.type)
    place = Path(output.resolved) if output.local else None
    if not was_written(output):
        _warn(supervision, output, "the job wrote nothing to it")
        return
    # An earlier supervisor of the run may have been killed just after it had registered it.
    asset = next(
        (one for one in list_assets(supervision.layout, kind) if (one.run, one.output) == (run, output.name)), None
    )
    if asset is None:
        stat = None if place is None else stat_fingerprint(place)
        draft = AssetVersion(
            kind=kind,
            name=name,
            version=output.version or "",
            type=output.type,
            path=str(output.asset_path),
            fingerprint=stat,
            content=None if place is None or stat is None else content_fingerprint(place, stat),
            description=output.description,
            run=run,
            output=output.name,
        )
        asset = add_asset(supervision.layout, draft).asset
        fault("register.added")
    supervision.recorder.event(
        "output",
        name=output.name,
        type=output.type,
        mode=output.mode,
        path=output.path,
        asset=asset.uri,
        asset_kind=kind,
    )


def _warn(supervision: Supervision, output: PlannedOutput, why: str) -> None:
    kind = kind_of_type(output.type)
    supervision.recorder.warning(
        f"the output {output.name} was not registered as the {word(kind)} {output.asset}: {why}; it is kept, and can "
        f"be added with: workbench {kind} add {output.asset} azureml://jobs/{supervision.plan.name}/outputs/{output.name}"
    )
