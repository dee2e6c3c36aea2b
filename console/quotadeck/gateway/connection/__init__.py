"""How a request comes off a connection, and who may stay connected."""
