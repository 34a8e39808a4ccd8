"""What crosses a boundary of Callboard: wire types, claims, close codes, channel and key names.

The normative text is ``PROTOCOL.md`` beside this package. Nothing here does I/O.
"""
