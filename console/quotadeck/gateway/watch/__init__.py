"""What the gateway knows of itself now: the live picture, states, refusals, alarms."""
