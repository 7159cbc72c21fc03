"""Files of a run: run.json, samples.csv and one page that opens without a network."""
