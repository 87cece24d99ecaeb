"""Checks a folder of templates against what SAM-6D's consumers (ISM and PEM) rely on, and against other renderings."""
