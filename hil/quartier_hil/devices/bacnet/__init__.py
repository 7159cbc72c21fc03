"""Simulated BACnet/IP devices: ASHRAE 135-2020 encoded by hand, so that no stack checks itself.

``words`` numbers of clause 21 · ``tags`` clause 20 · ``thing`` one object · ``commands`` its priority array ·
``shedding`` a Load Control object · ``subscriptions`` change of value · ``service`` answers to requests ·
``station`` a device with faults · ``frame`` BVLC and NPDU · ``endpoint`` the socket, router included.
"""
