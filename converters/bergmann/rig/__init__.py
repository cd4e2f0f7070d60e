"""A simulated rig with known truth, writing real vendor files: for the demo, the example and the tests."""

from bergmann.rig.sessions import session_paths
from bergmann.rig.simulate import demo_rigs, simulate, simulate_demo, simulate_target, target_rig
from bergmann.rig.truth import Calibration, Clock, DoseResponse, Flare, Rig, Truth

__all__ = [
    "Calibration",
    "Clock",
    "DoseResponse",
    "Flare",
    "Rig",
    "Truth",
    "demo_rigs",
    "session_paths",
    "simulate",
    "simulate_demo",
    "simulate_target",
    "target_rig",
]
