"""SunSpec devices: found by their models on a Modbus wire, read and steered by the standard's names."""
