"""The chart: bars, volume, own orders and fills of one instrument."""
