"""The views that users' SQL reads. Their columns are a promise: they are only ever added to."""

from typing import NamedTuple


def _time(seconds: str) -> str:
    """SQL for the time that an expression says, in epoch seconds. A writer may have said what is in no calendar: that
    would end every query that meets it, so it is NULL; the years are those that every reader of the result has."""
    return f"CASE WHEN {seconds} BETWEEN {_FIRST_SECOND} AND {_LAST_SECOND} THEN to_timestamp({seconds}) END"


#: The beginning of year 1 and the last second of year 9999, UTC.
_FIRST_SECOND, _LAST_SECOND = -62135596800, 253402300799


class View(NamedTuple):
    """A view: what one row of it is, its columns (name, what it holds), and the SELECT that makes it."""

    name: str
    row: str
    columns: tuple[tuple[str, str], ...]
    select: str


_RUNS = View(
    "runs",
    "a run",
    (
        ("name", "its name"),
        ("id", "what tells it from another run of that name"),
        ("state", "Completed, Failed, Running ..."),
        ("reason", "why it is in that state, where there is something to say"),
        ("kind", "job or script"),
        ("experiment", ""),
        ("display_name", ""),
        ("description", ""),
        ("compute", ""),
        ("command", ""),
        ("user", "who made it"),
        ("host", "on which machine"),
        ("created", "time with zone"),
        ("started", "time with zone"),
        ("ended", "time with zone"),
        ("duration", "seconds, so far if it goes on"),
        ("exit_code", ""),
        ("signal", "the signal that ended it"),
        ("snapshot", "the snapshot's id, see `snapshots`"),
        ("environment", "what the environment is called"),
        ("environment_key", "see `images`"),
        ("note", "what was written about it"),
        ("archived", "true or false"),
        ("lost_points", "points that found no room on a full disk"),
        ("damaged_bytes", "bytes of its journals that could not be read"),
        ("metrics", 'map from key to the last value of rank 0: `metrics.loss`, `metrics."val/loss"`'),
        (
            "params",
            "map from name to text (None: NULL); `params.lr` is a number where it is one in all runs that have it",
        ),
        ("tags", "map from name to text: `tags.team`"),
    ),
    f"""SELECT r.name, r.run_id AS id, r.state, r.reason, r.kind, r.experiment, r.display_name, r.description,
    r.compute, r.command, r.user_name AS user, r.host,
    {_time("r.created")} AS created, {_time("r.started")} AS started, {_time("r.ended")} AS ended,
    coalesce(r.seconds, r.ended - r.started,
        epoch(now()) - coalesce(r.going_since, r.started)) AS duration, r.exit_code, r.signal,
    r.snapshot, r.environment_label AS environment, r.environment AS environment_key, r.note,
    coalesce(r.archived, false) AS archived, r.lost_points, r.gap_bytes AS damaged_bytes,
    coalesce(m.metrics, MAP {{}}::MAP(VARCHAR, DOUBLE)) AS metrics,
    coalesce(p.params, MAP {{}}::MAP(VARCHAR, VARCHAR)) AS params,
    coalesce(t.tags, MAP {{}}::MAP(VARCHAR, VARCHAR)) AS tags
    FROM store.runs r
    LEFT JOIN (SELECT run, map_from_entries(list((key, last) ORDER BY key)) AS metrics
        FROM store.series WHERE rank = 0 GROUP BY run) m ON m.run = r.name
    LEFT JOIN (SELECT run, map_from_entries(list((key, CASE WHEN value <> 'null' THEN text END) ORDER BY key)) AS params
        FROM store.params GROUP BY run) p ON p.run = r.id
    LEFT JOIN (SELECT run, map_from_entries(list((key, value) ORDER BY key)) AS tags
        FROM store.tags GROUP BY run) t ON t.run = r.id""",
)

_METRICS = View(
    "metrics",
    "one metric of one rank of a run",
    (
        ("run", "the run's name"),
        ("key", ""),
        ("rank", ""),
        ("count", "how many points"),
        ("finite", "how many of them are numbers, neither NaN nor infinite"),
        ("last", "the value of the greatest step, then of the latest time"),
        ("last_step", ""),
        ("last_time", "time with zone"),
        ("min", "of the finite ones"),
        ("min_step", ""),
        ("max", "of the finite ones"),
        ("max_step", ""),
        ("mean", "of the finite ones"),
    ),
    f"""SELECT run, key, rank, count, finite, last, last_step, {_time("last_time")} AS last_time, min, min_step,
    max, max_step, CASE WHEN finite > 0 THEN total / finite END AS mean FROM store.series""",
)

_POINTS = View(
    "points",
    "one value that was logged",
    (
        ("run", "the run's name"),
        ("key", ""),
        ("rank", ""),
        ("step", ""),
        ("time", "time with zone"),
        ("value", "a number; NaN and infinities are kept"),
    ),
    f"""SELECT s.run, s.key, s.rank, p.step, {_time("p.time")} AS time, p.value
    FROM store.points p JOIN store.series s ON s.id = p.series""",
)

_PARAMS = View(
    "params",
    "a parameter of a run",
    (
        ("run", "the run's name"),
        ("key", ""),
        ("value", "as text; None is NULL"),
        ("number", "as a number, where it is one"),
    ),
    """SELECT r.name AS run, p.key, CASE WHEN p.value <> 'null' THEN p.text END AS value, p.number
    FROM store.params p JOIN store.runs r ON r.id = p.run""",
)

_TAGS = View(
    "tags",
    "a tag of a run",
    (("run", "the run's name"), ("key", ""), ("value", "")),
    "SELECT r.name AS run, t.key, t.value FROM store.tags t JOIN store.runs r ON r.id = t.run",
)

_ARTIFACTS = View(
    "artifacts",
    "a file that a run saved, as it was saved last",
    (
        ("run", "the run's name"),
        ("path", "below the run's folder"),
        ("kind", "output, named-output, log, logged, model"),
        ("size", "bytes"),
        ("hash", "xxh3-128, where it was taken"),
        ("time", "time with zone"),
    ),
    "SELECT run, path, arg_max(kind, time) AS kind, arg_max(size, time) AS size, "
    f"nullif(arg_max(coalesce(hash, ''), time), '') AS hash, {_time('max(time)')} AS time "
    "FROM store.artifacts GROUP BY run, path HAVING arg_max(kind, time) <> 'gone'",
)

_MEDIA = View(
    "media",
    "an image, table, histogram, text or figure that was logged",
    (
        ("run", "the run's name"),
        ("kind", "image, table, histogram, text, figure, model"),
        ("key", ""),
        ("step", ""),
        ("rank", ""),
        ("time", "time with zone"),
        ("path", "below the run's folder, where it is a file"),
        ("size", "bytes"),
        ("format", ""),
        ("caption", ""),
    ),
    f"SELECT run, kind, key, step, rank, {_time('time')} AS time, path, size, format, caption FROM store.media",
)

_SNAPSHOTS = View(
    "snapshots",
    "a snapshot of code",
    (
        ("snapshot", "its id"),
        ("files", "how many"),
        ("bytes", ""),
        ("upstream_hash", "the hash that Azure ML gives the folder"),
        ("runs", "how many runs have it"),
        ("first_used", "time with zone"),
    ),
    f"""SELECT fields->>'$.snapshot' AS snapshot, any_value((fields->>'$.files')::BIGINT) AS files,
    any_value((fields->>'$.bytes')::BIGINT) AS bytes, any_value(fields->>'$.upstream_hash') AS upstream_hash,
    count(DISTINCT run) AS runs, {_time("min(time)")} AS first_used
    FROM store.events WHERE name = 'snapshot' AND fields->>'$.snapshot' IS NOT NULL GROUP BY 1""",
)

_IMAGES = View(
    "images",
    "an environment as it was made: a virtual environment, or an image",
    (
        ("key", "what it was made from, hashed"),
        ("label", "what it is called"),
        ("python_version", ""),
        ("runs", "how many runs had it"),
        ("built", "how many of them had it made"),
        ("build_seconds", "how long that took at most"),
        ("first_used", "time with zone"),
        ("last_used", "time with zone"),
    ),
    f"""SELECT fields->>'$.key' AS key, any_value(fields->>'$.label') AS label,
    any_value(fields->>'$.python_version') AS python_version, count(DISTINCT run) AS runs,
    count(DISTINCT run) FILTER (fields->>'$.found' = 'built') AS built,
    max(TRY_CAST(fields->>'$.seconds' AS DOUBLE)) FILTER (fields->>'$.found' = 'built') AS build_seconds,
    {_time("min(time)")} AS first_used, {_time("max(time)")} AS last_used
    FROM store.events WHERE name = 'environment' AND fields->>'$.key' <> '' GROUP BY 1""",
)

#: The columns of `runs` that are maps from keys.
MAPS = ("metrics", "params", "tags")
VIEWS: tuple[View, ...] = (
    _RUNS,
    _METRICS,
    _POINTS,
    _PARAMS,
    _TAGS,
    _ARTIFACTS,
    _MEDIA,
    _SNAPSHOTS,
    _IMAGES,
)
