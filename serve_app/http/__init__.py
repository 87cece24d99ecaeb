"""HTTP: routes, bodies, errors, security."""
