"""What a rig folder holds, and the draft of its session file."""
