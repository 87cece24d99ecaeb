"""The console command ``render-server``."""
