"""The benchmark that docs/speed.md quotes: ``make bench``. Every figure of speed, the quality beside it, and its bound."""
