"""What the benchmarks share: model shapes, workloads, operation counts, the machine."""
