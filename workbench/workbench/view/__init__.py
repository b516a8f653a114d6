"""View models: what every front end draws. Functions of the store that return frozen records; no drawing here."""
