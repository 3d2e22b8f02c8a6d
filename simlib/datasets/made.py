from simlib.datasets.gaussian import spectrum_matched
