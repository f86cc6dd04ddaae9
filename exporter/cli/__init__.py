"""The command line: one file per command; the only package that sees settings and all parts."""
