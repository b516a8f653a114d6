"""The version that azure-ai-ml gives an environment without a name, for those who look it up there.

Facts: azure-ai-ml 1.35, `Environment._generate_anonymous_name_version`; `join` really puts the first hash between all
characters of the second.
"""

import hashlib
from collections.abc import Mapping
from typing import Any


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def anonymous_version(
    image: str | None, conda: Mapping[str, Any] | None, context_hash: str | None, dockerfile: str | None
) -> str | None:
    """64 hex digits; None when there is neither an image nor a build context."""
    if image is not None:
        text = _sha(image)
        if conda:
            import yaml

            text = text.join(_sha(yaml.dump(dict(conda), sort_keys=True)))
        return _sha(text)
    if context_hash is not None:
        text = _sha(context_hash)
        return _sha(text.join(_sha(dockerfile)) if dockerfile else text)
    return None
