"""Parts of the decoders of smart meters (pure)."""

from quartier_native.reference.lines import ADDRESS as LINE_ADDRESS
from quartier_native.reference.lines import BARE as LINE_CONTROLS
from quartier_native.reference.lines import CAPITALS as LINE_CAPITALS
from quartier_native.reference.lines import DIGITS as LINE_DIGITS
from quartier_native.reference.lines import FIRST as LINE_FIRST
from quartier_native.reference.lines import HEX as LINE_HEX
from quartier_native.reference.lines import LETTERS as LINE_LETTERS
from quartier_native.reference.lines import ONE_OF as LINE_ONE_OF
from quartier_native.reference.lines import OTHER_ADDRESS as LINE_OTHER_ADDRESS
from quartier_native.reference.lines import SHORT as LINE_SHORT
from quartier_native.reference.lines import SWITCHINGS as LINE_SWITCHINGS
from quartier_native.reference.lines import LineKind, LineKinds, LineReader
from quartier_native.reference.listings import crc16_ccitt, read_listings
from quartier_native.reference.objects import read_objects
from quartier_native.reference.records import BLOB as RECORD_BLOB
from quartier_native.reference.records import CONTINUED as RECORDS_CONTINUED
from quartier_native.reference.records import CUT_IN_DIF as RECORDS_FAULTY
from quartier_native.reference.records import DIGITS as RECORD_DIGITS
from quartier_native.reference.records import MAKER as RECORD_MAKER
from quartier_native.reference.records import NUMBER as RECORD_NUMBER
from quartier_native.reference.records import OVERFLOW as RECORD_OVERFLOW
from quartier_native.reference.records import TEXT as RECORD_TEXT
from quartier_native.reference.records import split_records
from quartier_native.reference.sets import MEASURE as ADDRESS_MEASURE
from quartier_native.reference.sets import NONE as CHECK_NONE
from quartier_native.reference.sets import RANK_SHIFT as ADDRESS_RANK_SHIFT
from quartier_native.reference.sets import SETS_MAX, SetReader
from quartier_native.reference.sets import STRICT as ADDRESS_STRICT
from quartier_native.reference.sets import SUM as CHECK_SUM
from quartier_native.reference.sets import USUAL as UNIT_USUAL
from quartier_native.reference.sets import XOR as CHECK_XOR
from quartier_native.reference.sets import checked as block_check
from quartier_native.reference.sets import goes_on as block_goes_on
from quartier_native.reference.telegrams import NOTHING_MORE, Group, Said, Telegram

__all__ = [
    "ADDRESS_MEASURE",
    "ADDRESS_RANK_SHIFT",
    "ADDRESS_STRICT",
    "CHECK_NONE",
    "CHECK_SUM",
    "CHECK_XOR",
    "LINE_ADDRESS",
    "LINE_CAPITALS",
    "LINE_CONTROLS",
    "LINE_DIGITS",
    "LINE_FIRST",
    "LINE_HEX",
    "LINE_LETTERS",
    "LINE_ONE_OF",
    "LINE_OTHER_ADDRESS",
    "LINE_SHORT",
    "LINE_SWITCHINGS",
    "NOTHING_MORE",
    "RECORDS_CONTINUED",
    "RECORDS_FAULTY",
    "RECORD_BLOB",
    "RECORD_DIGITS",
    "RECORD_MAKER",
    "RECORD_NUMBER",
    "RECORD_OVERFLOW",
    "RECORD_TEXT",
    "SETS_MAX",
    "UNIT_USUAL",
    "Group",
    "LineKind",
    "LineKinds",
    "LineReader",
    "Said",
    "SetReader",
    "Telegram",
    "block_check",
    "block_goes_on",
    "crc16_ccitt",
    "read_listings",
    "read_objects",
    "split_records",
]
