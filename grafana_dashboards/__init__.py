"""Grafana dashboards: the JSON files for Grafana, and their generator in `src`."""
