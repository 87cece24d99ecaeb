"""What every room may use: settings, errors, logs, files, tasks."""
