"""What stood on a bus as a file that others can read: pcapng where a dissector exists, text elsewhere."""
