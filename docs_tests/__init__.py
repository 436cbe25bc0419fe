"""Tests that hold the documents to what the code does."""
