"""What a command raises when it did its work and the result is bad: a gate was exceeded, a report failed."""

from exporter.domain.errors import ChatUsageError


class FailedError(ChatUsageError):
    """The command ends with exit status 1; the message has one line for each finding."""
