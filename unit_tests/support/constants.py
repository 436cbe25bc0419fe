"""What several tests agree on."""

from datetime import datetime, timezone

URL = "https://autopilot.example/v1/"
KEY = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)
