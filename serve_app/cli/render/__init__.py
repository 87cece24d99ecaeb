"""``render-server render``."""
