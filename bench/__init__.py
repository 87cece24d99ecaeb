"""The benchmark that README quotes: ``make bench``. Every figure of speed, the quality beside it, and its bound."""
