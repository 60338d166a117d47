"""Ships a stage: released with a canary, tried as a customer, and taken back."""
