"""Soak test: the exporter runs for an hour with random faults and several scrapers (`make soak`)."""
