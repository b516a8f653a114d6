"""Data: names for it (datastores, data assets, models), where it is, how it is fetched, and the cache it is kept in."""
