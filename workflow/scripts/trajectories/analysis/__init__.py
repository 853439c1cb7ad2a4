"""Statistics on the accuracy table and on question-level scores."""
