"""Records in SQLite: what was ordered, executed, held, paid, refused and commanded.

The journal is the truth; records follow from it and can be made anew from it at any time. One
program writes them; any number read.
"""
