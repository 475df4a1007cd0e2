"""Which logged key is what: what somebody said of it, and rows read again by that."""
