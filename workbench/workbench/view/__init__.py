"""View models: what every front end draws. Functions of the store that return frozen dataclasses; no drawing here."""
