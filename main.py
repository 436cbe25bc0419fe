"""What Airbyte's image runs: `python main.py spec|check|discover|read`."""

from source_autopilot.__main__ import main

if __name__ == "__main__":
    main()
