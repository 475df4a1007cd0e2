"""How good is this? on pages: what was measured, failures first."""
