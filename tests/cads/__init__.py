"""CAD files that tests write themselves: shapes whose exact form is known, in the formats of CAD programs."""

from pathlib import Path

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "cads"
"""CADs that others made; beside some checkouts only."""
