"""The quota manager whose state is in a gateway: for the processes of one host, or of many.

It leases a part of each project's quota there before it admits anything, and admits only what it
has leased. Its calls name the lease, so that what is admitted here is what is enforced there.
"""
