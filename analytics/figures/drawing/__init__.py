"""What every chart is drawn with: axes, colours, names at lines, panels, curves."""
