"""The command `source-autopilot`, which is `python -m source_autopilot`, too."""

from source_autopilot.stdout import replace_stdout
from source_autopilot.sync.shutdown import StopSignals


def main() -> None:
    """Run the command in `sys.argv`, to its end or until a signal asks for the end."""
    replace_stdout()
    signals = StopSignals()
    signals.listen()
    # The CDK takes a second to import, in which a signal would be lost for process 1.
    from source_autopilot.run import run

    run(signals)


if __name__ == "__main__":
    main()
