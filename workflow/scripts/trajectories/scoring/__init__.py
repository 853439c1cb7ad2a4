"""Scoring: from questions to token trees to log-likelihoods, exactly and fast."""
