"""Orders: from checkout to their end."""
