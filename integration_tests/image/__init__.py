"""The Docker image, and Airbyte's own tests."""
