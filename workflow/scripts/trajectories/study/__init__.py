"""The study: its strict config, its protocol, its names."""
