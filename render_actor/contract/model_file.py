"""By what the mesh beside the templates is known as the server's own: who writes it and who replaces it know nothing of each other."""

MESH_COMMENT = "the mesh that Render Server has rendered, in millimetres"
"""The first comment of its PLY header."""
