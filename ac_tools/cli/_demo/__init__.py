"""`ac-tools demo`: an agent works through the leads of a trade fair, on an embedded account."""
