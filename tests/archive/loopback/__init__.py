"""A DANDI archive on loopback, for tests: the routes and the measured behaviours of the real one, over a real S3 server.

Written from the archive's public source (dandi/dandi-archive of 2026, its views and services) and from what a real one was
measured to do; nothing of it is copied. ``settings`` says what a test may choose, ``server`` starts it, ``proxy`` breaks the
way to it.
"""
