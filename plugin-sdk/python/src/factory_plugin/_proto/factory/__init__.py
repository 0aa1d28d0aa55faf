"""Generated from the repository's `.proto` files by `make proto`."""
