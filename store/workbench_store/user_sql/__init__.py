"""SQL that users write, over views that stay the same from version to version: one SELECT, read-only, within a time.

`views.py` says what can be asked for, `statement.py` what may be asked, `keys.py` makes `params.lr` a number where it
is one. `session.py` asks, in a process of its own, which begins in `boot.py` and runs it in `alone.py`; `result.py`
holds what came out, free of the store's file.
"""
