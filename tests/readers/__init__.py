"""Readers as the pipelines' own loaders are, written from what these read: one a layout."""
