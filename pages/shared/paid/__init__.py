"""What a run is paid for, in folded panels: length, judge, rivals, signals."""
