"""What a configuration will cost: calls and series, without a request."""
