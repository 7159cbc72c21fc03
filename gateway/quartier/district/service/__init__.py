"""Workflows of the documents of the district: commands, jobs and schedules."""
