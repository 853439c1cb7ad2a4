"""Jobs: what is left to do, one scoring job, its store, and how far a study is."""
