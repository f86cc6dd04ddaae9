"""`/api/v1/days`: the held days with their dates."""
