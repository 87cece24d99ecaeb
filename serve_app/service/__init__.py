"""Accepts, admits, runs, recovers and retires jobs."""
