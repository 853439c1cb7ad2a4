"""The hub: patient calls, verified downloads, small files of a repository."""
