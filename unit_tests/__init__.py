"""Tests of one module each, without network, without waiting."""
