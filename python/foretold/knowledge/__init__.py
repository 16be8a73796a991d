"""Makers of the knowledge that the library ships: run by hand, not imported by it."""
