"""Tasks of the evaluation harness by name: what a name stands for, known without their data and without a network."""
