"""What a Linky sends, for tests: written from the specification, not from the decoder."""


def historic(label: str, value: str) -> bytes:
    text = f"{label} {value}".encode("latin-1")
    return text + b" " + bytes((sum(text) % 64 + 32,))


def standard(label: str, value: str, time: str = "") -> bytes:
    text = "\t".join([label, *([time] if time else []), value, ""]).encode("latin-1")
    return text + bytes((sum(text) % 64 + 32,))


def frame(*spans: bytes) -> bytes:
    return b"\x02" + b"".join(b"\n" + span + b"\r" for span in spans) + b"\x03"


def with_parity(text: bytes) -> bytes:
    return bytes(byte | 0x80 if byte.bit_count() % 2 else byte for byte in text)


LINKY = (
    standard("ADSC", "041876097319"),
    standard("VTIC", "02"),
    standard("DATE", "", "e260701121355"),
    standard("NGTF", "      TEMPO     "),
    standard("LTARF", "    HP  BLEU    "),
    standard("EAST", "011843926"),
    standard("EASF01", "000441982"),
    standard("EASF02", "011401944"),
    standard("IRMS1", "003"),
    standard("URMS1", "237"),
    standard("PREF", "09"),
    standard("PCOUP", "09"),
    standard("SINSTS", "00713"),
    standard("SMAXSN", "05210", "E260701073012"),
    standard("SMAXSN-1", "06190", "E260630192244"),
    standard("CCASN", "00688", "E260701120000"),
    standard("UMOY1", "238", "E260701121000"),
    standard("STGE", "013A4401"),
    standard("MSG1", "PAS DE          MESSAGE         "),
    standard("PRM", "09111642617347"),
    standard("RELAIS", "131"),
    standard("NTARF", "02"),
    standard("NJOURF", "00"),
    standard("NJOURF+1", "00"),
    standard("PJOURF+1", " ".join(["00008001", "06004002", "22008001", *["NONUTILE"] * 8])),
)

BLUE = (
    historic("ADCO", "041876097319"),
    historic("OPTARIF", "HC.."),
    historic("ISOUSC", "45"),
    historic("HCHC", "014460852"),
    historic("HCHP", "012506372"),
    historic("PTEC", "HP.."),
    historic("IINST", "003"),
    historic("IMAX", "046"),
    historic("PAPP", "00740"),
    historic("HHPHC", "A"),
    historic("MOTDETAT", "000000"),
)
