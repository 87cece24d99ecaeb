"""What travels between the service and a renderer: plain values."""
