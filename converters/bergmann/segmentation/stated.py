"""What a person must say here."""
