"""The simulated Paradigm."""
