"""What developers and operators run; none of it is packaged with the functions."""
