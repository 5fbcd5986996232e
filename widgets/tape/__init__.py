"""Time and sales: every trade of one instrument, newest on top."""
