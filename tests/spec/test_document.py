"""docs/spec.md names every field, so that none is added without saying what is done with it."""

import re
from pathlib import Path

import pytest
from workbench.spec import CommandJob, Environment, Input, Output
from workbench.spec.fields import fields_of
from workbench.spec.job import READ_ONLY
from workbench.spec.settings import CommandJobLimits, JobResourceConfiguration

DOCUMENT = (Path(__file__).parents[2] / "docs" / "spec.md").read_text("utf-8")


@pytest.mark.parametrize("kind", [CommandJob, Environment, Input, Output, JobResourceConfiguration, CommandJobLimits])
def test_every_field_is_in_the_document(kind: type[CommandJob]) -> None:
    names = set(fields_of(kind)) | READ_ONLY.get(kind.__name__, frozenset())
    missing = [name for name in sorted(names) if not re.search(rf"[`.]{re.escape(name)}[`.]", DOCUMENT)]
    assert missing == []
