"""Tests of the resources and of the local cloud that stands in for them."""
