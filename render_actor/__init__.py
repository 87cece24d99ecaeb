"""The renderer: a Blender kept warm in a Ray actor, the scene it renders, and the files it encodes."""
