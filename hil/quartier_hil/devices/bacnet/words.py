"""Numbers of BACnet's terms on the wire (ASHRAE 135-2020 clause 21), as far as the rig uses them."""

from collections.abc import Mapping

OBJECTS: Mapping[str, int] = {
    "analog-input": 0,
    "analog-output": 1,
    "analog-value": 2,
    "binary-input": 3,
    "binary-output": 4,
    "binary-value": 5,
    "device": 8,
    "multi-state-input": 13,
    "multi-state-value": 19,
    "load-control": 28,
}
PROPERTIES: Mapping[str, int] = {
    "active-text": 4,
    "all": 8,
    "apdu-timeout": 11,
    "application-software-version": 12,
    "cov-increment": 22,
    "description": 28,
    "device-address-binding": 30,
    "event-state": 36,
    "firmware-revision": 44,
    "inactive-text": 46,
    "local-date": 56,
    "local-time": 57,
    "max-apdu-length-accepted": 62,
    "max-pres-value": 65,
    "minimum-off-time": 66,
    "minimum-on-time": 67,
    "min-pres-value": 69,
    "model-name": 70,
    "number-of-apdu-retries": 73,
    "number-of-states": 74,
    "object-identifier": 75,
    "object-list": 76,
    "object-name": 77,
    "object-type": 79,
    "optional": 80,
    "out-of-service": 81,
    "polarity": 84,
    "present-value": 85,
    "priority-array": 87,
    "protocol-object-types-supported": 96,
    "protocol-services-supported": 97,
    "protocol-version": 98,
    "relinquish-default": 104,
    "required": 105,
    "segmentation-supported": 107,
    "state-text": 110,
    "status-flags": 111,
    "system-status": 112,
    "units": 117,
    "vendor-identifier": 120,
    "vendor-name": 121,
    "enable": 133,
    "protocol-revision": 139,
    "start-time": 142,
    "database-revision": 155,
    "actual-shed-level": 212,
    "duty-window": 213,
    "expected-shed-level": 214,
    "full-duty-baseline": 215,
    "requested-shed-level": 218,
    "shed-duration": 219,
    "shed-level-descriptions": 220,
    "shed-levels": 221,
    "state-description": 222,
    "property-list": 371,
    "serial-number": 372,
}
UNITS: Mapping[str, int] = {
    "amperes": 3,
    "volts": 5,
    "watt-hours": 18,
    "kilowatt-hours": 19,
    "hertz": 27,
    "watts": 47,
    "kilowatts": 48,
    "pascals": 53,
    "degrees-celsius": 62,
    "seconds": 73,
    "no-units": 95,
    "parts-per-million": 96,
    "percent": 98,
    "cubic-meters-per-hour": 135,
    "delta-degrees-kelvin": 121,
}

# Confirmed and unconfirmed services (21, BACnetConfirmedServiceChoice and -Unconfirmed-).
COV_NOTIFICATION, SUBSCRIBE_COV, READ, READ_MULTIPLE, WRITE = 1, 5, 12, 14, 15
I_AM, I_HAVE, UNCONFIRMED_COV, WHO_HAS, WHO_IS = 0, 1, 2, 7, 8
# Kinds of APDU (20.1.1).
CONFIRMED, UNCONFIRMED, SIMPLE_ACK, COMPLEX_ACK, SEGMENT_ACK, ERROR, REJECT, ABORT = range(8)

DEVICE_CLASS, OBJECT_CLASS, PROPERTY_CLASS, RESOURCES_CLASS, SECURITY_CLASS, SERVICES_CLASS = range(6)
INVALID_DATA_TYPE = 9
UNKNOWN_OBJECT = 31
UNKNOWN_PROPERTY = 32
VALUE_OUT_OF_RANGE = 37
WRITE_ACCESS_DENIED = 40
INVALID_ARRAY_INDEX = 42
COV_SUBSCRIPTION_FAILED = 43
OPTIONAL_FUNCTIONALITY_NOT_SUPPORTED = 45
PROPERTY_IS_NOT_AN_ARRAY = 50

REJECT_INVALID_TAG, REJECT_MISSING_PARAMETER, REJECT_UNRECOGNIZED_SERVICE = 4, 5, 9
ABORT_BUFFER_OVERFLOW, ABORT_SEGMENTATION_NOT_SUPPORTED = 1, 4
SEGMENTED_NEITHER = 3
# The largest APDU that a client accepts (20.1.2.5).
APDU_MAX: Mapping[int, int] = {0: 50, 1: 128, 2: 206, 3: 480, 4: 1024, 5: 1476}
WILDCARD_INSTANCE = 4_194_303
