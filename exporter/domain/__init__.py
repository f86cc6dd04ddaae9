"""The terms of the domain: days, companies, measures, calendars; without HTTP, Prometheus or settings."""
