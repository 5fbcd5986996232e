"""Orders, fills and positions as tables: filter, sort, act, export."""
