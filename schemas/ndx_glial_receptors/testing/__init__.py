"""For the tests of those who use the extension."""
