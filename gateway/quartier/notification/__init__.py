"""Notifications of alarms by mail, webhook, ntfy and MQTT: a process of its own, without rights."""
