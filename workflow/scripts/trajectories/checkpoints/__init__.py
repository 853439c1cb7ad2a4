"""Checkpoints: which weights exist, which are what they claim, how they get onto the disk."""
