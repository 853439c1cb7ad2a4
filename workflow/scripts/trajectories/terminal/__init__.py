"""What a person sees while a study runs: bars in a terminal, a line now and then elsewhere, errors once and last."""
