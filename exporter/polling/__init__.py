"""When a report is asked, what is asked, and what becomes of the answers."""
