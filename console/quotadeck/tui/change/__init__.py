"""Changes: from a row and a key to a form, its preview, and the command that is sent."""
