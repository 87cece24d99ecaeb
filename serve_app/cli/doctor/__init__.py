"""``render-server doctor``."""
