"""Looking after a workspace over the years: what takes space, giving it back, and proof that all is there."""
