"""Numbers and words out of the bytes of a text file."""
