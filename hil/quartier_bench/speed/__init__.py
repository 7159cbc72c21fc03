"""Speed comparisons with other programs that run in the same rounds on the same machine: runner, daemon,
store, link, kernels.
"""
