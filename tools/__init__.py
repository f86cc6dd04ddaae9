"""Scripts for tasks of the Makefile that need more than a shell line; not part of the exporter."""
