"""The embedded store of a workspace: journals, the lease on the DuckDB file, ingest, queries, blobs, snapshots.

Importing this package loads nothing: each module is imported by name, so that a training script pays only for
the journal writer.
"""
