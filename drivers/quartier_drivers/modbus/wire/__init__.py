"""Modbus lines: TCP, serial and blocking; frames and exchanges."""
