"""What goes wrong around a call, and is each helped by a small thing of its own.

Every file here is one idea, works without a manager, and knows no SDK by name: it reads what any
of them raises or returns.
"""
