"""What builds and checks the project, and no part of the server."""
