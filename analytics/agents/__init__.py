"""The store's questions as tools for agents."""
