"""The four tables, and the walk from page to page."""
