"""Questions to the store: each is a function of an attached connection that returns records."""
