"""Blender itself: the actor, its session and its scene. Nothing outside this room imports bpy."""
