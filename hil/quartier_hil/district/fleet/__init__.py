"""The fleet side of the reference district: its buildings, and the documents to and from them."""
