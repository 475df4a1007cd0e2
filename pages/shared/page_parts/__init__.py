"""Parts of any page: faults, a frozen view, what goes along, a figure to take away."""
