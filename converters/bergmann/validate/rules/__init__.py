"""Checks of what a file says: one module a matter, each check one function. A new check is found by walking this folder."""
