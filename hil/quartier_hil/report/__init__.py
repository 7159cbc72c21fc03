"""What a run leaves behind: run.json, samples.csv and one page that opens without a network."""
