"""Files that clients send: received, checked, unpacked, kept for a while."""
