"""The limited process in which a CAD is read."""
