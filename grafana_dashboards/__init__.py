"""Grafana dashboards: the JSON files that Grafana reads, and in `src` the program that writes them."""
