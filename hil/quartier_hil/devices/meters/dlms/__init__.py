"""DLMS/COSEM pushes of the HAN ports, encoded."""
