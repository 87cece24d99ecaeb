"""What the server counts for its operator, and how Ray's exporter gets it; used by the service and by the renderers alike."""
