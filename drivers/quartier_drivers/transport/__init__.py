"""Serial ports, TCP, timers and the event loop: I/O that knows no protocol."""
