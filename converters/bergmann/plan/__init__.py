"""From a session file to a plan: found and stated, gaps and conflicts."""
