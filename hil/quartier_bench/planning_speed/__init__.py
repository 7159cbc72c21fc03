"""Planning problems drawn at random, the same problems as programs for HiGHS, and the speed of the planner
against it.
"""
