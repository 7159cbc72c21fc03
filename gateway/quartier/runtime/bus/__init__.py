"""The task of one bus: polls, writes, fallbacks and the state of its devices."""
