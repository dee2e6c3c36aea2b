"""Time travel: the same pages over any past instant, clearly the past, and nothing to act on."""
