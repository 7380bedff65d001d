"""What each channel does and where the next unit of money goes."""
