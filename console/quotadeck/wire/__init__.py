"""What travels: the admin API's messages, the config file, the stream's encoding, and the paths.

The modules are the front doors here: `config`, `messages`, `paths`, `stream` and `translate`.
`paths` and `stream` import no pydantic, so that the console's start stays short.
"""
