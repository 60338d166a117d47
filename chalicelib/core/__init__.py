"""What everything stands on: it knows no AWS, no HTTP and no domain."""
