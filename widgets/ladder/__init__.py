"""The price ladder: depth, own orders and one-click trading on fixed price rows."""
