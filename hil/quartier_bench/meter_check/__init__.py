"""Test that the gateway detects a wrong grid meter and never suspects a right one."""
