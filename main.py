"""What Airbyte's image runs: `python main.py spec|check|discover|read`."""

from source_autopilot.run import run

if __name__ == "__main__":
    run()
