"""The audit: what a loss really says, by probing alone."""
