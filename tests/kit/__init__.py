"""The words of a test: what a test says instead of how it is done."""
