"""The whole programme of a published comparison of surface treatments, run on the simulated bench and put in a table.

Y. Song et al., "Atomistic surface passivation of CH3NH3PbI3 perovskite single crystals for highly sensitive
coplanar-structure X-ray detectors", Research 2020, 5958243.
"""
