"""Reads CAD files into plain mesh arrays, in a process of its own."""
