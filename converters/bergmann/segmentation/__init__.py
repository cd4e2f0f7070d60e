"""ROIs and their traces."""
