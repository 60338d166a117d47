"""What follows a change: mail and whatever else must hear of it."""
