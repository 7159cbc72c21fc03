"""Speed comparisons of drivers, lines, parsers and bus plans with the usual libraries."""
