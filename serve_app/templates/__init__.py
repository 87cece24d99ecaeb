"""Folders of templates: staging, publishing, cache."""
