"""The loader, and the queries in the docs."""
