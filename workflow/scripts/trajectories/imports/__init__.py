"""Accuracies made elsewhere: harness result files, tidy tables, the published study."""
