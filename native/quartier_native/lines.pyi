from quartier_native.reference.lines import LineKinds as LineKinds
from quartier_native.reference.lines import LineReader as LineReader
