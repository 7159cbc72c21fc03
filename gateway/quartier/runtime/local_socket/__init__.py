"""The local sockets: questions for readers, orders for the group of operators."""
