"""Numbers, texts and protocol buffers before anything is known of them; what a reader is."""
