"""What a gate's policy may say, and the policy that was written."""
