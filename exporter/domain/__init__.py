"""The nouns: days, companies, measures, calendars, thresholds; they know nothing of HTTP, Prometheus or settings."""
