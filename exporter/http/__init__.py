"""The one HTTP client: key, rate limit, retries, time-out, size limit; independent of the shape of reports."""

from exporter.http.client import Client, RetryBudget
from exporter.http.endpoint import Endpoint, Observer, is_loopback

__all__ = ["Client", "Endpoint", "Observer", "RetryBudget", "is_loopback"]
