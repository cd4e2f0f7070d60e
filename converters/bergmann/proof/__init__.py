"""The proof that a file holds what its sources say, and holds it still."""
