"""The measured figures as they are kept, for those who quote them."""
