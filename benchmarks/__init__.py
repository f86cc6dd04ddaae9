"""How fast and how large the exporter is, measured beside what a user would pick instead: `make bench`.

CPU time, not wall time, wherever it can be had, so that a machine with other work tells the same. Reads /proc: Linux.
"""
