"""How much of the fault tests runs."""

from __future__ import annotations

import os

import pytest

FULL = bool(os.environ.get("RENDER_FAULTS_FULL"))
"""``make faults`` sets it: every fault as often as the figures that are published say."""

full_only = pytest.mark.skipif(not FULL, reason="of the full form only: make faults")
