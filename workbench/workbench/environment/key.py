"""The key of an environment: what makes two of them the same."""

import hashlib
import json
import re

from workbench.environment.definition import EnvironmentDefinition

#: How environments are made: 2 since they have pip, 3 (where pip is given options) since all options are applied. One
#: made otherwise is not taken for one made so.
_MAKING = 2
_MAKING_WITH_OPTIONS = 3


def environment_key(definition: EnvironmentDefinition) -> str:
    """64 hex digits of SHA-256 over image, build context and packages in canonical form.

    The order of keys and of packages does not matter, nor comments, name or version of the environment; the order of
    channels and of pip's options does. Platform and Python in use are part of the cache's path instead.
    """
    content = {
        "making": _MAKING_WITH_OPTIONS if definition.options else _MAKING,
        "image": definition.image,
        "context": definition.context,
        "python": definition.python,
        "channels": list(definition.channels),
        "requirements": sorted({canonical(text) for text in definition.requirements}),
        "options": list(definition.options),
        "constraints": sorted({canonical(text) for text in definition.constraints}),
        "local": dict(definition.local),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def canonical(requirement: str) -> str:
    """A requirement without blanks, its name as PyPI normalizes it (PEP 503), its constraints in order."""
    text = requirement.strip()
    match = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*([^;@]*?)\s*((?:;|@).*)?", text)
    if match is None:
        return text
    name = re.sub(r"[-_.]+", "-", match[1]).lower()
    extras = ",".join(sorted(part.strip().lower() for part in (match[2] or "[]")[1:-1].split(",") if part.strip()))
    versions = ",".join(sorted(re.sub(r"\s+", "", part) for part in (match[3] or "").split(",") if part.strip()))
    return f"{name}[{extras}]{versions}{(match[4] or '').strip()}"
