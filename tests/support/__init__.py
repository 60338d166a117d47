"""What tests share: fakes of what lies outside, and the engines behind them."""
