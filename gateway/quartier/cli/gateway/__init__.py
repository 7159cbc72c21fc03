"""Commands that run, stop, save and describe the gateway itself."""
