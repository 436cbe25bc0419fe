"""The loader: a sync into DuckDB or PostgreSQL without an Airbyte platform, through PyAirbyte."""
