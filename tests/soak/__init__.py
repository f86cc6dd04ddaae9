"""The soak: the exporter for an hour among faults and scrapers, watched from outside (`make soak`)."""
