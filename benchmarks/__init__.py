"""Measures speed and memory of the exporter, and compares it with the usual alternative: `make bench`.

Measures CPU time instead of wall time where possible, so that other work on the machine matters less. Needs /proc.
"""
