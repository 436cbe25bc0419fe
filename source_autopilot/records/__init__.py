"""Bytes -> page -> records. Pure: no HTTP, no Airbyte protocol, no logging."""
