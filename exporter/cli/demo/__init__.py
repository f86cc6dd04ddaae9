"""The command `demo`: simulated platforms and the exporter in one process."""
