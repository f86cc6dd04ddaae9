"""The simulated platforms, held to the documentation of the real ones."""
