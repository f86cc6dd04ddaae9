"""ChatCaptain: overview, channel and inbox reports, and the export job."""
