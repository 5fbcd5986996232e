"""The whole engine on virtual time: one seed chooses market, orders and faults."""
