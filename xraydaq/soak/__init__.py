"""Random faults on a served simulated bench, again and again, judged on the simulators' log and on the files.

Nothing here was ever run against a real instrument, and nothing here opens one.
"""
