"""Checkpoint trajectories: score language models over training, and test whether they get worse."""
