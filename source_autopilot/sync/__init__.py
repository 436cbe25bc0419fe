"""Reading the tables side by side, resumable."""
