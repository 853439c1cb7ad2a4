"""Before the first job: everything that can be known from a config and from what lies here."""
