"""What a renderer's process needs of the operating system."""
