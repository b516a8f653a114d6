"""Inputs of a job worked out for local compute: where the data is, how it comes to the job, and what the job sees."""

import os
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from workbench_store.errors import DataError, NotFound, SpecError
from workbench_store.layout import WorkspaceLayout

from workbench.data.assets import kind_of_type
from workbench.data.drivers import missing_driver
from workbench.data.elsewhere import TABLE_FILE
from workbench.data.fitting import check_fits
from workbench.data.limit import data_limit
from workbench.data.located import FindOutput, Located, locate
from workbench.data.mltable import EVAL_MODES, Part, local_files, read_table
from workbench.data.secret_urls import HIDDEN, holds_secret, without_secrets
from workbench.data.urls import last_name
from workbench.lifecycle.plan import PlannedInput
from workbench.lifecycle.run_outputs import find_output
from workbench.lifecycle.staging import code_folder
from workbench.spec import FOLDER_TYPES, CommandJob, Input, is_remote
from workbench.spec.support import is_web_file

_LITERAL_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}
_COPIED = ("download", "eval_download")


class InputPlan(Struct):
    """The inputs; the URLs that hold secrets, by the variables that the supervisor gets them in; what to warn of."""

    inputs: list[PlannedInput] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def plan_inputs(layout: WorkspaceLayout, job: CommandJob, name: str) -> InputPlan:
    """The inputs of the run `name`; names are looked up, nothing is fetched.

    Raises SpecError for data that is not there, is of another kind than said, or cannot be reached with what is
    installed.
    """
    plan = InputPlan()
    for key, given in job.inputs.items():
        if isinstance(given, Input):
            try:
                plan.inputs.append(_DataInput(layout, name, key, given, plan).planned())
            except (NotFound, DataError) as error:
                raise SpecError(f"inputs.{key}.path: {error.message}", remedy=error.remedy) from error
        else:
            plan.inputs.append(PlannedInput(key, _LITERAL_TYPES[type(given)], value=given))
    return plan


class _DataInput(Struct, frozen=True):
    """One input that is data, on its way into the plan."""

    layout: WorkspaceLayout
    run: str
    key: str
    given: Input
    plan: InputPlan

    def planned(self) -> PlannedInput:
        text = str(self.given.path)
        found = locate(self.layout, text, kind_of_type(self.given.type), self._find_output)
        self.plan.warnings += [f"input {self.key}: {warning}" for warning in found.warnings]
        where = self._local(found) if found.local else self._remote(found)
        asset = found.asset
        return PlannedInput(
            self.key,
            self.given.type,
            self.given.mode,
            given=without_secrets(text) if is_remote(text) else None,
            asset=asset.uri if asset else None,
            asset_kind=asset.kind if asset else None,
            source_run=found.run,
            source_output=found.output,
            **where,
        )

    @property
    def _find_output(self) -> FindOutput:
        return partial(find_output, self.layout)

    def _local(self, found: Located) -> dict[str, Any]:
        path = Path(found.place)
        check_fits(path, self.given.type)
        if self.given.type == "mltable":
            self._check_table(path)
        brought = self.given.mode in (*_COPIED, *EVAL_MODES)
        staged = self._staged(path.name or "data") if brought else None
        return {"path": str(path), "staged": staged, **self._seen(staged or str(path))}

    def _remote(self, found: Located) -> dict[str, Any]:
        url = found.place
        asset = found.asset
        if asset is not None and (asset.type == "uri_file") != (self.given.type == "uri_file"):
            raise DataError(f"{asset.uri} is a {asset.type}", remedy=f"Say `type: {asset.type}`.")
        if HIDDEN in url:
            remedy = f"Give it whole to a rerun (workbench rerun RUN --set inputs.{self.key}.path=URL), and compare."
            raise DataError(f"{url} had a secret, which is not recorded", remedy=remedy)
        if self.given.mode == "direct":
            if holds_secret(url):
                message = f"{without_secrets(url)} holds a secret, which mode direct would write into the command"
                raise DataError(message, remedy="Use ro_mount or download.")
            return {"path": url, "resolved": url}
        data_limit()  # one that is no size is told now
        missing = missing_driver(url)
        if missing:
            raise missing
        if self.given.type in FOLDER_TYPES and is_web_file(url):
            raise DataError(f"{without_secrets(url)} leads to one file", remedy="Say `type: uri_file`.")
        variable = None
        if holds_secret(url):
            variable = f"WORKBENCH_URL_{self.key}"
            self.plan.secrets[variable] = url
        staged = self._staged(last_name(url))
        return {"path": without_secrets(url), "fetch": True, "secret": variable, "staged": staged, **self._seen(staged)}

    def _staged(self, name: str) -> str:
        return str(self.layout.staged(self.run) / "inputs" / self.key / name)

    def _seen(self, place: str) -> dict[str, Any]:
        """What the job sees, and the link that lets it, if the spec wants the data at a place of its own."""
        wanted = self.given.path_on_compute
        if wanted is None or self.given.mode == "direct":
            return {"resolved": place}
        code = code_folder(self.layout, self.run)
        link = Path(os.path.normpath(code / wanted))
        if not os.path.isabs(wanted) and code not in link.parents:
            raise DataError(f"path_on_compute {wanted} leads out of the working directory", remedy="Give it absolute.")
        return {"resolved": str(link), "link": str(link)}

    def _check_table(self, folder: Path) -> None:
        parts = read_table(folder)
        if self.given.mode in EVAL_MODES:
            for part in parts:
                self._check_part(part, folder)

    def _check_part(self, part: Part, folder: Path) -> None:
        if not is_remote(part.place):
            local_files(part, folder)
            return
        found = locate(self.layout, part.source, "data", self._find_output)
        if part.kind != "file" and not found.local and is_web_file(found.place):
            message = (
                f"the web has no folders, and {folder / TABLE_FILE} has the {part.kind} {without_secrets(part.place)}"
            )
            raise DataError(message, remedy="Name its files instead, each as `file: URL`.")
        missing = None if found.local else missing_driver(found.place)
        if missing:
            raise missing
