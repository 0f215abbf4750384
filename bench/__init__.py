"""The measurements behind ``docs/benchmarks.md``: the hub against what it is compared with."""
