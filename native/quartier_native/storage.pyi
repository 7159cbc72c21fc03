from array import array

from quartier_native.reference.storage import Planned

def plan_storage(steps: array[float], store: array[float], plan: array[float]) -> Planned: ...
