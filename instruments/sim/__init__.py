"""The device side of every instrument: strict, byte-level simulators and the physics behind them."""
