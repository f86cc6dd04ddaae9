"""Simulated platforms with plausible figures and faults; knows nothing of our decoders."""
