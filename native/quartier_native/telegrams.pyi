from quartier_native.reference.telegrams import Group as Group
from quartier_native.reference.telegrams import Telegram as Telegram
