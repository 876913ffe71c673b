//! The drivers: `board_port`'s traits over what Linux offers. The only ioctls of the house.
