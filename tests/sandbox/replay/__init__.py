"""Replays recorded traffic against an embedded account."""
