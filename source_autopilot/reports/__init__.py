"""What people read in the log."""
