"""The Serve deployment that owns one Blender."""
