"""Questions: the record, the readers of files and hub data sets, the catalogue of known tasks."""
