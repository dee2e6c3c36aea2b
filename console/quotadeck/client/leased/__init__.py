"""The quota manager whose state is in a gateway: for the processes of one host, or of many.

It holds a lease of each project's quota there, ahead of what it admits, and spends that alone; the
calls name the lease, so that waiting here and enforcement there agree.
"""
