"""SunSpec devices: found by their models on a Modbus line, read and controlled by the standard's names."""
