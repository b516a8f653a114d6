"""The journal: append-only files, the only protocol between a run and the store.

`encoding` says what the bytes mean, `decoding` reads them, `writer` appends, `reader` takes what is new since an
offset, `packed` compresses what nobody writes any more. The first three run on Python 3.8 with the standard library
alone.
"""
