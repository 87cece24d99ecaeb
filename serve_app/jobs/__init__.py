"""The job: its states, its record and its store."""
