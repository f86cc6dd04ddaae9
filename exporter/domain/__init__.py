"""The terms of the domain: days, companies, measures, calendars, thresholds; without HTTP, Prometheus or settings."""
