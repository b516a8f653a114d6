"""Inputs and outputs: what a job takes and makes."""

from os import PathLike
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from workbench.spec.places import ASSET_NAME

InputType = Literal["uri_file", "uri_folder", "mltable", "custom_model", "mlflow_model", "triton_model"]
InputMode = Literal["ro_mount", "download", "direct", "eval_mount", "eval_download"]
OutputMode = Annotated[Literal["rw_mount", "upload", "direct", "mount"], Meta(extra={"aliases": {"mount": "rw_mount"}})]
LiteralValue = str | int | float | bool
"""What a literal input may be."""

PYTHON_ONLY: dict[str, Any] = {"python_only": True}
DATA_MODES = ("ro_mount", "download", "direct")
MLTABLE_MODES = (*DATA_MODES, "eval_mount", "eval_download")
#: Which modes each type of input takes.
INPUT_MODES: dict[str, tuple[str, ...]] = {
    "uri_file": DATA_MODES,
    "uri_folder": DATA_MODES,
    "mltable": MLTABLE_MODES,
    "custom_model": DATA_MODES,
    "mlflow_model": DATA_MODES,
    "triton_model": DATA_MODES,
}
#: Types of literals, for the Python builder.
PRIMITIVES = ("number", "integer", "boolean", "string")
#: Stands for a type that could not be read, so that the rest can be judged.
ANY_TYPE: Any = ""
#: Types that are a folder, whatever is in it.
FOLDER_TYPES = ("uri_folder", "mltable")
MODEL_TYPES = ("custom_model", "mlflow_model", "triton_model")


class Input(Struct, kw_only=True):
    """Data that a job takes: a file, a folder, a table or a model.

    In a loaded job `path` is absolute if it is local. `default` and what follows it are for the Python
    builder only, which makes a literal of an Input of a primitive type (`Input(type="number", default=0.1)`).
    """

    type: Annotated[InputType, Meta(description="What the data is.")] = "uri_folder"
    path: Annotated[
        str | PathLike[str] | None,
        Meta(description="A local path, relative to this file, or a URI.", extra={"reader": "input_path"}),
    ] = None
    mode: Annotated[InputMode, Meta(description="How the data reaches the job.", extra={"reader": "input_mode"})] = (
        "ro_mount"
    )
    path_on_compute: Annotated[
        str | None, Meta(description="Where the job finds the data, absolute or in its working directory.")
    ] = None
    datastore: Annotated[str | None, Meta(description="Unused on local compute.")] = None
    default: Annotated[LiteralValue | None, Meta(extra=PYTHON_ONLY)] = None
    optional: Annotated[bool | None, Meta(extra=PYTHON_ONLY)] = None
    min: Annotated[float | None, Meta(extra=PYTHON_ONLY)] = None
    max: Annotated[float | None, Meta(extra=PYTHON_ONLY)] = None
    enum: Annotated[Any, Meta(extra=PYTHON_ONLY)] = None
    description: Annotated[str | None, Meta(extra=PYTHON_ONLY)] = None


class Output(Struct, kw_only=True):
    """What a job makes: a file or a folder that is kept under the run, or at `path`."""

    type: Annotated[InputType, Meta(description="What the output is.")] = "uri_folder"
    path: Annotated[str | PathLike[str] | None, Meta(description="Where it goes.", extra={"reader": "output_path"})] = (
        None
    )
    mode: Annotated[OutputMode, Meta(description="How the output is kept.")] = "rw_mount"
    name: Annotated[
        str | None, Meta(pattern=ASSET_NAME, description="The data asset or model that it is registered as.")
    ] = None
    version: Annotated[
        str | None,
        Meta(
            pattern=ASSET_NAME,
            description="The version of that; left out: the next number.",
            extra={"reader": "version"},
        ),
    ] = None
    description: Annotated[str | None, Meta(extra=PYTHON_ONLY)] = None


def literal_text(value: LiteralValue) -> str:
    """A literal as it is put into a command and into the environment (azure-ai-ml uses Python's `str`)."""
    return str(value)
