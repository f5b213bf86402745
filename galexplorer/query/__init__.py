"""What a user asks for: a name, a position or an objID as typed, and lists of them."""
