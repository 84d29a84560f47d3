"""How each defence is taken out, for the proof that its test notices."""
