"""Simulated platforms with plausible figures and faults; independent of our decoders."""
