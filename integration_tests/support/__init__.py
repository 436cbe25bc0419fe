"""What the integration tests run the connector with."""
