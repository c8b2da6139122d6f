"""The guardian of the tube, mounted: inline on simulated time, as a process of its own on real time."""
