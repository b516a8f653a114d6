"""The journal: append-only files, the only protocol between a run and the store.

`codec` says what the bytes mean, `writer` appends, `reader` reads what is new since an offset, `packed` compresses
what nobody writes any more. Codec and writer run on Python 3.8 with the standard library alone.
"""
