"""DLMS/COSEM meters, encoded: pushes of HAN ports, and meters that are polled."""
