"""Encoding and decoding of BACnet datagrams (ASHRAE 135-2020, clause 20; pure)."""
