"""Being paid: attempts, providers, refunds."""
