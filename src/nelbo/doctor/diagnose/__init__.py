"""The diagnosis: what became of a trained VAE, anybody's, and why."""
