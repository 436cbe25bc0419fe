"""The connector beside what people would take instead, on the simulator: `make benchmark`."""
