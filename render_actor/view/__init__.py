"""One view as arrays and files: ray cast, checks, dithering, encoding."""
