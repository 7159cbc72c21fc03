"""Orders and fallbacks of SunSpec devices."""
