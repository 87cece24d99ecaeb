"""The service: HTTP, jobs, CAD loading and scheduling. Nothing here imports Blender."""
