"""The watchlist: lists of symbols with their newest prices."""
