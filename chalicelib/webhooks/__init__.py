"""Webhooks that a shop registers: who is told of which events, and every delivery."""
