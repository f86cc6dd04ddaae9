"""What the tasks of the Makefile run that is more than a shell line; no part of the program."""
