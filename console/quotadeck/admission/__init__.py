"""What a request will use, and whether it may go: over the domain and the limiter alone."""
