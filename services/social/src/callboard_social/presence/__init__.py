"""Who is here: entries in Redis that run out by themselves, and what members are told of them.

Nothing has to be delivered exactly once. A node writes down who is connected to it, and renews that; every node with
members that want to know reads the whole list again, at the latest every 15 seconds, and tells the difference.
"""
