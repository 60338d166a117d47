"""Coupons: codes that take something off an order, as often and as long as their terms say."""
