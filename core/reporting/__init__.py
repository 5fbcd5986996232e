"""What leaves the house: blotter CSV."""
