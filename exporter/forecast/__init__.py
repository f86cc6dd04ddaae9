"""The cost of a configuration in calls and series, computed without requests."""
