"""The connector as a process against the simulator."""
