"""URLs as fsspec takes them: Azure's older and browser forms become the one its file system knows."""

import re

#: Bytes of a name: what the file systems take, and room for what is put behind it.
_LONGEST_NAME = 200

# Compiled when first used: whoever submits waits for what is loaded.
_BLOB = (
    r"^(?:wasbs?|abfss?)://(?P<container>[^@/]+)@(?P<account>[^./]+)\.(?:blob|dfs)\.(?P<suffix>[^/]+)(?P<path>/.*)?$"
)
_BROWSER = (
    r"^https?://(?P<account>[^./]+)\.(?:blob|dfs)\.(?P<suffix>core\.[^/:]+)/(?P<container>[^/?#]+)(?P<path>/[^?#]*)?$"
)


def fsspec_url(url: str) -> str:
    """`wasbs://C@A.blob.HOST/P` as `abfs://C@A.dfs.HOST/P`, `s3a:` as `s3:`; others as they are."""
    match = re.match(_BLOB, url)
    if match:
        return f"abfs://{match['container']}@{match['account']}.dfs.{match['suffix']}{match['path'] or '/'}"
    scheme, _, rest = url.partition("://")
    renamed = {"s3a": "s3", "gcs": "gs", "abfss": "abfs"}.get(scheme.lower())
    return f"{renamed}://{rest}" if renamed else url


def folder_url(url: str) -> str:
    """The browser's form of a folder in a storage account as an `abfss:` URL; others as they are."""
    match = re.match(_BROWSER, url)
    if match is None:
        return url
    return f"abfss://{match['container']}@{match['account']}.dfs.{match['suffix']}{match['path'] or '/'}"


def is_web(url: str) -> bool:
    """Whether it is fetched by HTTP."""
    return url.partition(":")[0].lower() in ("http", "https")


def joined(base: str, path: str) -> str:
    """A path below a base URL; a query at the base stays at the end."""
    if not path:
        return base
    head, mark, query = base.partition("?")
    return f"{head.rstrip('/')}/{path}{mark}{query}"


def last_name(url: str) -> str:
    """The last part of a URL's path, fit to be a file's name; `data` where there is none."""
    from urllib.parse import unquote, urlsplit

    name = unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])
    name = "".join("_" if char in "/\\\0" or not char.isprintable() else char for char in name)
    name = name.encode("utf-8", "replace")[:_LONGEST_NAME].decode("utf-8", "ignore")
    return "data" if name in ("", ".", "..") else name
