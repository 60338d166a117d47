"""What tests share: hands for the shop, fakes of what lies outside, and the engines behind them."""
