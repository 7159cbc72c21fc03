"""Simulated BACnet/IP devices: ASHRAE 135-2020 encoded by hand, so that no stack judges itself.

``words`` numbers of clause 21 · ``tags`` clause 20 · ``thing`` one object · ``commands`` its priority array ·
``shedding`` a Load Control object · ``subscriptions`` change of value · ``service`` what each request gets ·
``station`` a device with faults · ``frame`` BVLC and NPDU · ``endpoint`` the socket, router included.
"""
