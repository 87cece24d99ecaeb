"""The Serve deployment of a renderer, and the supervisor of its Blender."""
