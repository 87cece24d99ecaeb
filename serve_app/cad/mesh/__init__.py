"""Arrays of vertices and faces: joining, geometry, checks."""
